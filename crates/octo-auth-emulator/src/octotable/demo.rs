//! The demo client and its property, which OctoTable has from the start.

/// The client id of the demo client.
pub const DEMO_CLIENT_ID: &str = "public_8956990355e6df036-b5ff-48cd-b8be-b3d93fb752";
/// The client secret of the demo client.
pub const DEMO_CLIENT_SECRET: &str = "12404a0a-9cbf-4b40-82cc-32296e92c515";
/// The sandbox property of the demo client, for the `Property` header.
pub const DEMO_PROPERTY: u64 = 999_641;

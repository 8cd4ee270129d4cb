#![doc = include_str!("links.md")]
#![doc = include_str!("../book/index.md")]
// The links of the pages lead to files, as a book and a repository need it. The first definition of a link counts, and
// `links.md` has one for each that leads to the module. rustdoc copies no files beside its pages, so a relative picture would
// be missing there: `pictures.md` defines each picture as a `data:` address that contains it. `cargo xtask pictures` writes it.

/// First steps, one after the other.
pub mod tutorial {
    #[doc = include_str!("links.md")]
    #[doc = include_str!("pictures.md")]
    #[doc = include_str!("../book/tutorial/first_token.md")]
    pub mod first_token {}

    #[doc = include_str!("links.md")]
    #[doc = include_str!("../book/tutorial/web_sign_in.md")]
    pub mod web_sign_in {}
}

/// One page for each task.
pub mod how_to {
    #[doc = include_str!("links.md")]
    #[doc = include_str!("../book/how-to/many_tenants.md")]
    pub mod many_tenants {}

    #[doc = include_str!("links.md")]
    #[doc = include_str!("../book/how-to/cron_job.md")]
    pub mod cron_job {}

    #[doc = include_str!("links.md")]
    #[doc = include_str!("pictures.md")]
    #[doc = include_str!("../book/how-to/replicas.md")]
    pub mod replicas {}

    #[doc = include_str!("links.md")]
    #[doc = include_str!("pictures.md")]
    #[doc = include_str!("../book/how-to/shared_store.md")]
    pub mod shared_store {}

    #[doc = include_str!("links.md")]
    #[doc = include_str!("../book/how-to/own_transport.md")]
    pub mod own_transport {}

    #[doc = include_str!("links.md")]
    #[doc = include_str!("../book/how-to/own_store.md")]
    pub mod own_store {}

    #[doc = include_str!("links.md")]
    #[doc = include_str!("../book/how-to/own_provider.md")]
    pub mod own_provider {}

    #[doc = include_str!("links.md")]
    #[doc = include_str!("../book/how-to/emulator_tests.md")]
    pub mod emulator_tests {}

    #[doc = include_str!("links.md")]
    #[doc = include_str!("../book/how-to/from_hand_written.md")]
    pub mod from_hand_written {}
}

/// Why the rules are as they are.
pub mod explanation {
    #[doc = include_str!("links.md")]
    #[doc = include_str!("../book/explanation/two_clocks.md")]
    pub mod two_clocks {}

    #[doc = include_str!("links.md")]
    #[doc = include_str!("pictures.md")]
    #[doc = include_str!("../book/explanation/doubt.md")]
    pub mod doubt {}

    #[doc = include_str!("links.md")]
    #[doc = include_str!("../book/explanation/budgets.md")]
    pub mod budgets {}

    #[doc = include_str!("links.md")]
    #[doc = include_str!("../book/explanation/threats.md")]
    pub mod threats {}
}

/// Every setting, field and name, generated from the sources.
pub mod reference {
    #[doc = include_str!("links.md")]
    #[doc = include_str!("../book/reference/settings.md")]
    pub mod settings {}

    #[doc = include_str!("links.md")]
    #[doc = include_str!("../book/reference/profile_fields.md")]
    pub mod profile_fields {}

    #[doc = include_str!("links.md")]
    #[doc = include_str!("../book/reference/telemetry.md")]
    pub mod telemetry {}
}

#[doc = include_str!("links.md")]
#[doc = include_str!("../book/errors.md")]
pub mod errors {}

#[doc = include_str!("links.md")]
#[doc = include_str!("../book/deviations.md")]
pub mod deviations {}

pub mod sources;

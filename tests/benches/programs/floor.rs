//! A request and an answer with JSON and no client.

#[derive(serde::Deserialize)]
struct Answer<'a> {
    access_token: &'a str,
}

fn main() {
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .finish();
    let request = http::Request::post("https://login.example/token").body(body).unwrap();
    println!("{request:?}");
    let answer: Answer<'_> = serde_json::from_str(r#"{"access_token":"T"}"#).unwrap();
    println!("{}", answer.access_token.len());
}

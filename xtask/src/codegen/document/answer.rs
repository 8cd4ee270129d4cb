//! Writes the descriptions of answers.

use octo_auth_core::profile::{
    ApiConfigurationAnswer, CreatedClientAnswer, CreatedPropertyAnswer, ErrorShape, KeptMember, Refusal,
    TokenAnswer,
};

use super::{list, option, structure, text, variant};

pub(super) fn token(answer: &TokenAnswer) -> String {
    let TokenAnswer {
        access_token,
        refresh_token,
        token_type,
        token_type_absent,
        expires_in,
        expires_in_unit,
        expires_at,
        clock_skew_seconds,
        assume_utc,
        refresh_in,
        scope,
        bearer_names,
        keep,
        form,
        source,
    } = answer;
    let fields = [
        ("access_token", list(access_token, |name| text(name))),
        ("refresh_token", list(refresh_token, |name| text(name))),
        ("token_type", list(token_type, |name| text(name))),
        ("token_type_absent", variant("AbsentTokenType", token_type_absent)),
        ("expires_in", list(expires_in, |name| text(name))),
        ("expires_in_unit", variant("LifetimeUnit", expires_in_unit)),
        ("expires_at", list(expires_at, |name| text(name))),
        ("clock_skew_seconds", clock_skew_seconds.to_string()),
        ("assume_utc", assume_utc.to_string()),
        ("refresh_in", list(refresh_in, |name| text(name))),
        ("scope", list(scope, |name| text(name))),
        ("bearer_names", list(bearer_names, |name| text(name))),
        ("keep", list(keep, kept_member)),
        ("form", form.to_string()),
        ("source", text(source)),
    ];
    structure("TokenAnswer", &fields)
}

fn kept_member(member: &KeptMember) -> String {
    let KeptMember { name, secret } = member;
    structure("KeptMember", &[("name", text(name)), ("secret", secret.to_string())])
}

pub(super) fn created_client(answer: &CreatedClientAnswer) -> String {
    let CreatedClientAnswer {
        list,
        client_id,
        client_secret,
        id,
        username,
        password,
        redirect_uri,
        properties,
        property_id,
        property_name,
        property_sandbox,
        source,
    } = answer;
    let fields = [
        ("list", list),
        ("client_id", client_id),
        ("client_secret", client_secret),
        ("id", id),
        ("username", username),
        ("password", password),
        ("redirect_uri", redirect_uri),
        ("properties", properties),
        ("property_id", property_id),
        ("property_name", property_name),
        ("property_sandbox", property_sandbox),
        ("source", source),
    ];
    structure("CreatedClientAnswer", &fields.map(|(field, name)| (field, text(name))))
}

pub(super) fn created_property(answer: &CreatedPropertyAnswer) -> String {
    let CreatedPropertyAnswer {
        status,
        created,
        id,
        refresh_token,
        properties,
        existing_status,
        existing,
        source,
    } = answer;
    let fields = [
        ("status", text(status)),
        ("created", list(created, |word| text(word))),
        ("id", text(id)),
        ("refresh_token", text(refresh_token)),
        ("properties", text(properties)),
        ("existing_status", existing_status.to_string()),
        ("existing", text(existing)),
        ("source", text(source)),
    ];
    structure("CreatedPropertyAnswer", &fields)
}

pub(super) fn api_configuration(answer: &ApiConfigurationAnswer) -> String {
    let ApiConfigurationAnswer { environment, redirect_uris, authorization_pages, source } = answer;
    let fields = [
        ("environment", text(environment)),
        ("redirect_uris", text(redirect_uris)),
        ("authorization_pages", text(authorization_pages)),
        ("source", text(source)),
    ];
    structure("ApiConfigurationAnswer", &fields)
}

pub(super) fn error_shape(shape: &ErrorShape) -> String {
    let ErrorShape { code, message, source } = shape;
    let fields =
        [("code", option(code.as_deref(), text)), ("message", text(message)), ("source", text(source))];
    structure("ErrorShape", &fields)
}

pub(super) fn refusal(refusal: &Refusal) -> String {
    let Refusal { status, code, meaning, source } = refusal;
    let fields = [
        ("status", status.to_string()),
        ("code", option(code.as_deref(), text)),
        ("meaning", variant("RefusalMeaning", meaning)),
        ("source", text(source)),
    ];
    structure("Refusal", &fields)
}

//! The models of the API, and the pages that list them.

use serde_json::{Value, json};

use super::errors::ApiError;

/// A model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Model {
    /// The id that replies name.
    pub id: &'static str,
    /// Another id that requests may name.
    pub alias: Option<&'static str>,
    pub name: &'static str,
    pub created: &'static str,
    pub max_input: u64,
    pub max_output: u64,
    /// Thinks unless the request disables it.
    pub thinks: bool,
    /// What `thinking.type` turns thinking off, if any.
    pub quiet: Option<&'static str>,
    /// Refuses sampling parameters on every API version.
    pub fixed_sampling: bool,
    pub lifecycle: &'static str,
    pub deprecated: Option<&'static str>,
    pub retires: Option<&'static str>,
}

const BASE: Model = Model {
    id: "",
    alias: None,
    name: "",
    created: "",
    max_input: 200_000,
    max_output: 64_000,
    thinks: false,
    quiet: Some("disabled"),
    fixed_sampling: false,
    lifecycle: "active",
    deprecated: None,
    retires: None,
};

/// All models, the newest first, as the list shows them.
pub(super) const MODELS: [Model; 9] = [
    Model {
        id: "claude-haiku-5-5",
        name: "Claude Haiku 5.5",
        created: "2026-10-07T00:00:00Z",
        thinks: true,
        fixed_sampling: true,
        ..BASE
    },
    Model {
        id: "claude-opus-5-5",
        name: "Claude Opus 5.5",
        created: "2026-09-22T00:00:00Z",
        thinks: true,
        quiet: None,
        fixed_sampling: true,
        max_output: 128_000,
        ..BASE
    },
    Model {
        id: "claude-sonnet-5-5",
        name: "Claude Sonnet 5.5",
        created: "2026-09-22T00:00:00Z",
        thinks: true,
        quiet: Some("between_tools"),
        fixed_sampling: true,
        ..BASE
    },
    Model {
        id: "claude-fable-5-2",
        name: "Claude Fable 5.2",
        created: "2026-08-11T00:00:00Z",
        thinks: true,
        quiet: None,
        fixed_sampling: true,
        ..BASE
    },
    Model {
        id: "claude-sonnet-4-6",
        name: "Claude Sonnet 4.6",
        created: "2026-02-17T00:00:00Z",
        ..BASE
    },
    Model {
        id: "claude-opus-4-6",
        name: "Claude Opus 4.6",
        created: "2026-02-04T00:00:00Z",
        max_output: 128_000,
        ..BASE
    },
    Model {
        id: "claude-opus-4-5-20251101",
        alias: Some("claude-opus-4-5"),
        name: "Claude Opus 4.5",
        created: "2025-11-24T00:00:00Z",
        ..BASE
    },
    Model {
        id: "claude-haiku-4-5-20251001",
        alias: Some("claude-haiku-4-5"),
        name: "Claude Haiku 4.5",
        created: "2025-10-15T00:00:00Z",
        ..BASE
    },
    Model {
        id: "claude-sonnet-4-5-20250929",
        alias: Some("claude-sonnet-4-5"),
        name: "Claude Sonnet 4.5",
        created: "2025-09-29T00:00:00Z",
        lifecycle: "deprecated",
        deprecated: Some("2026-05-29T00:00:00Z"),
        retires: Some("2026-11-30T00:00:00Z"),
        ..BASE
    },
];

impl Model {
    /// The class that shares limits: `haiku`, `sonnet`, `opus`, `fable`.
    pub fn class(&self) -> &'static str {
        self.id.split('-').nth(1).unwrap_or_default()
    }

    fn json(&self) -> Value {
        json!({
            "type": "model", "id": self.id, "display_name": self.name, "created_at": self.created,
            "max_input_tokens": self.max_input, "max_tokens": self.max_output,
            "capabilities": {"batch": {"supported": true}, "citations": {"supported": true}, "image_input": {"supported": true}, "pdf_input": {"supported": true}, "structured_outputs": {"supported": true}, "thinking": {"supported": true, "types": {"adaptive": {"supported": self.thinks}, "enabled": {"supported": !self.thinks}}}},
            "lifecycle": self.lifecycle, "deprecated_at": self.deprecated, "retires_at": self.retires,
        })
    }
}

/// The model of an id or alias, if this key may use it (`allowed` empty: all).
pub(super) fn find(id: &str, allowed: &[String]) -> Option<&'static Model> {
    visible(allowed).find(|model| model.id == id || model.alias == Some(id))
}

fn visible(allowed: &[String]) -> impl Iterator<Item = &'static Model> {
    let allowed = allowed.to_vec();
    MODELS.iter().filter(move |model| {
        allowed.is_empty()
            || allowed
                .iter()
                .any(|id| id == model.id || Some(id.as_str()) == model.alias)
    })
}

/// `GET /v1/models/{id}`.
pub(super) fn one(id: &str, allowed: &[String]) -> Result<Value, ApiError> {
    find(id, allowed).map(Model::json).ok_or_else(|| unknown(id))
}

/// 404 for a model that is unknown, retired or not for this key: they look alike.
pub(super) fn unknown(id: &str) -> ApiError {
    ApiError::new(
        404,
        "not_found_error",
        format!("model: {id}"),
        super::errors::Stage::Account,
    )
}

/// `GET /v1/models` with `limit`, `after_id`, `before_id`.
pub(super) fn page(query: &str, allowed: &[String]) -> Result<Value, ApiError> {
    let (mut limit, mut after, mut before) = (20, None, None);
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "limit" => limit = limit_of(&value)?,
            "after_id" => after = Some(value.into_owned()),
            "before_id" => before = Some(value.into_owned()),
            // `?beta=true`, as SDKs send, and whatever else.
            _ => {}
        }
    }
    if after.is_some() && before.is_some() {
        return Err(ApiError::invalid(
            "Only one of `before_id` and `after_id` may be specified.",
        ));
    }
    let all: Vec<_> = visible(allowed).collect();
    let position = |id: &str, field: &str| {
        all.iter()
            .position(|model| model.id == id)
            .ok_or_else(|| ApiError::invalid(format!("{field}: Invalid cursor `{id}`")))
    };
    let (data, more) = match (&after, &before) {
        (Some(id), _) => {
            let rest = all.get(position(id, "after_id")? + 1..).unwrap_or_default();
            (rest.iter().take(limit).collect::<Vec<_>>(), rest.len() > limit)
        }
        (_, Some(id)) => {
            let rest = all.get(..position(id, "before_id")?).unwrap_or_default();
            (
                rest.iter().skip(rest.len().saturating_sub(limit)).collect(),
                rest.len() > limit,
            )
        }
        _ => (all.iter().take(limit).collect(), all.len() > limit),
    };
    let id = |model: Option<&&&Model>| model.map_or(Value::Null, |model| Value::from(model.id));
    Ok(json!({
        "data": data.iter().map(|model| model.json()).collect::<Vec<_>>(),
        "has_more": more, "first_id": id(data.first()), "last_id": id(data.last()),
    }))
}

fn limit_of(value: &str) -> Result<usize, ApiError> {
    let number: i64 = value.parse().map_err(|_| {
        ApiError::invalid("limit: Input should be a valid integer, unable to parse string as an integer")
    })?;
    match number {
        ..1 => Err(ApiError::invalid("limit: Input should be greater than or equal to 1")),
        1001.. => Err(ApiError::invalid("limit: Input should be less than or equal to 1000")),
        number => Ok(usize::try_from(number).unwrap_or(20)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn pages_join_to_the_whole_list_in_both_directions() {
        let mut ids = Vec::new();
        let mut query = "limit=4".to_owned();
        loop {
            let page = page(&query, &[]).unwrap();
            ids.extend(
                page["data"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|model| model["id"].as_str().unwrap().to_owned()),
            );
            if page["has_more"] == false {
                break;
            }
            query = format!("limit=4&after_id={}", page["last_id"].as_str().unwrap());
        }
        assert_eq!(ids, MODELS.map(|model| model.id));
        let back = page(&format!("limit=2&before_id={}", MODELS[5].id), &[]).unwrap();
        assert_eq!(
            (back["first_id"].as_str(), back["has_more"].as_bool()),
            (Some(MODELS[3].id), Some(true))
        );
    }

    #[test]
    fn wrong_queries_name_the_field() {
        for (query, field) in [
            ("limit=0", "limit"),
            ("limit=1001", "limit"),
            ("limit=x", "limit"),
            ("after_id=none", "after_id"),
        ] {
            assert!(page(query, &[]).unwrap_err().message.starts_with(field), "{query}");
        }
    }

    #[test]
    fn a_key_sees_its_models_only() {
        let allowed = ["claude-haiku-4-5".to_owned()];
        assert_eq!(page("", &allowed).unwrap()["data"].as_array().unwrap().len(), 1);
        assert_eq!(
            find("claude-haiku-4-5", &allowed).unwrap().id,
            "claude-haiku-4-5-20251001"
        );
        assert_eq!(
            one("claude-opus-5-5", &allowed).unwrap_err().message,
            "model: claude-opus-5-5"
        );
    }
}

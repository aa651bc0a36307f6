//! A call past the edge: credential, version, betas, account, body, model, limits, and the answer.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::answer::Answer;
use super::auth;
use super::config::Key;
use super::error_name::ErrorName;
use super::errors::{ApiError, Quoted, Stage};
use super::faults::{Fault, Phase, Route};
use super::flow::{Course, Flow};
use super::headers::{self, Caller, Kind};
use super::models;
use super::parse;
use super::record::{Ended, Replied};
use super::router::{Call, Reply};
use super::validate::{self, Endpoint};

impl Call {
    /// Credential, version, betas, and what strikes the account.
    fn authenticate(&self, model: &str) -> Result<(Key, String, Vec<String>), Box<Reply>> {
        let unknown = Quoted {
            organization: "",
            model: "",
            limits: super::config::Limits::default(),
        };
        for fault in self.strike(Phase::Authentication) {
            if let Fault::Error(name) = fault {
                return Err(Box::new(self.refuse(&ApiError::named(name, unknown), None, None)));
            }
        }
        let keys = self.shared.keys.read().unwrap_or_else(PoisonError::into_inner).clone();
        let key = auth::check(self.credential.as_ref(), &keys, &self.headers)
            .map_err(|name| Box::new(self.refuse(&ApiError::named(name, unknown), None, None)))?;
        let refuse = |error: ApiError| Box::new(self.refuse(&error, Some(&key), None));
        let version = parse::version(&auth::values(&self.headers, "anthropic-version")).map_err(refuse)?;
        let betas = parse::betas(&auth::values(&self.headers, "anthropic-beta")).map_err(refuse)?;
        let quoted = quoted(&key, model);
        if key.needs_workspace && !self.headers.contains_key("anthropic-workspace-id") {
            return Err(refuse(ApiError::named(ErrorName::WorkspaceRequired, quoted)));
        }
        for fault in self.strike(Phase::Account) {
            match fault {
                Fault::Error(name) => {
                    let snapshot = self
                        .shared
                        .meter
                        .snapshot(&key.organization, "", key.limits, Some(name));
                    return Err(Box::new(self.refuse(
                        &ApiError::named(name, quoted),
                        Some(&key),
                        snapshot.as_ref(),
                    )));
                }
                Fault::CustomError {
                    status,
                    r#type,
                    message,
                    code,
                    retry_after,
                } => {
                    let stage = if status == 429 { Stage::Limit } else { Stage::Account };
                    let error = ApiError {
                        status,
                        kind: r#type.into(),
                        message,
                        code: code.map(Into::into),
                        retry_after,
                        stage,
                        null_id: false,
                    };
                    return Err(refuse(error));
                }
                _ => {}
            }
        }
        Ok((key, version, betas))
    }

    pub fn models(&self) -> Reply {
        let key = match self.authenticate("") {
            Ok((key, ..)) => key,
            Err(reply) => return *reply,
        };
        let listed = match self.path.strip_prefix("/v1/models/") {
            Some(id) => models::one(id, &key.models),
            None => models::page(&self.query, &key.models),
        };
        match listed {
            Ok(value) => Reply::whole(
                200,
                headers::success(Kind::Models, &self.ids, Caller::from(&key), None),
                value.to_string(),
            ),
            Err(error) => self.refuse(&error, Some(&key), None),
        }
    }

    /// A Messages body: everything from the credential to the answer.
    pub async fn authenticated(&self, endpoint: Endpoint) -> Reply {
        let named = serde_json::from_slice::<Named>(&self.body)
            .map(|named| named.model)
            .unwrap_or_default();
        let (key, version, betas) = match self.authenticate(&named) {
            Ok(passed) => passed,
            Err(reply) => return *reply,
        };
        match self.checked(endpoint, &key, &version, &betas).await {
            Ok(reply) => reply,
            Err((error, class)) => {
                let snapshot = (error.stage == Stage::Limit)
                    .then(|| self.shared.meter.snapshot(&key.organization, class, key.limits, None))
                    .flatten();
                self.refuse(&error, Some(&key), snapshot.as_ref())
            }
        }
    }

    async fn checked(
        &self,
        endpoint: Endpoint,
        key: &Key,
        version: &str,
        betas: &[String],
    ) -> Result<Reply, (ApiError, &'static str)> {
        let plain = |error: ApiError| (error, "");
        let encodings = auth::values(&self.headers, "content-encoding");
        let decoded = parse::decoded(&self.body, encodings.first().map(String::as_str)).map_err(plain)?;
        let body = parse::json(decoded.as_deref().unwrap_or(&self.body)).map_err(plain)?;
        let checked = validate::check(&body, endpoint, version, betas).map_err(plain)?;
        let model = models::find(&checked.model, &key.models).ok_or_else(|| plain(models::unknown(&checked.model)))?;
        let class = model.class();
        let quoted = quoted(key, model.id);
        if endpoint == Endpoint::CountTokens {
            self.shared
                .meter
                .take_count(&key.organization, key.limits)
                .map_err(|reached| {
                    (
                        ApiError::named(reached.name, quoted).retry_after(reached.seconds),
                        class,
                    )
                })?;
            let (course, failed) = self.course(quoted);
            tokio::time::sleep(course.delay).await;
            if let Some(error) = failed {
                return Err((error, class));
            }
            let count = serde_json::json!({"input_tokens": super::tokens::count_input(&body)}).to_string();
            return Ok(Reply::whole(
                200,
                headers::success(Kind::CountTokens, &self.ids, Caller::from(key), None),
                count,
            ));
        }
        validate::against_model(&body, &checked, model).map_err(plain)?;
        let meter = &self.shared.meter;
        let running = meter
            .begin(&key.organization, key.limits)
            .ok_or_else(|| (ApiError::named(ErrorName::Concurrency, quoted), class))?;
        let answer = Answer::to(&body, &checked, model);
        meter
            .take(&key.organization, class, key.limits, answer.input_tokens)
            .map_err(|reached| {
                (
                    ApiError::named(reached.name, quoted).retry_after(reached.seconds),
                    class,
                )
            })?;
        meter.spend_output(&key.organization, class, key.limits, answer.output_tokens);
        let snapshot = meter.snapshot(&key.organization, class, key.limits, None);
        let (course, failed) = self.course(quoted);
        tokio::time::sleep(course.delay).await;
        if let Some(error) = failed {
            return Err((error, class));
        }
        let kind = if checked.stream { Kind::Stream } else { Kind::Message };
        let headers = headers::success(kind, &self.ids, Caller::from(key), snapshot.as_ref());
        if !checked.stream && !course.is_cut() {
            return Ok(Reply::whole(200, headers, answer.message(&self.ids)));
        }
        self.shared.log.replied(self.sequence, |slot| {
            *slot = Some(Replied {
                status: 200,
                request_id: None,
                events: 0,
                ended: Ended::Running,
            });
        });
        let (flow, body) = Flow::new(
            Arc::clone(&self.connection.switch),
            Arc::clone(&self.shared.log),
            self.sequence,
        );
        let (ids, per_delta) = (self.ids.clone(), self.shared.tokens_per_delta);
        tokio::spawn(async move {
            if checked.stream {
                flow.stream(answer.events(&ids, per_delta), course).await;
            } else {
                flow.half(answer.message(&ids), Flow::ending(&course)).await;
            }
            drop(running);
        });
        Ok(Reply {
            status: 200,
            headers,
            body,
            flowing: true,
        })
    }

    /// How the answer goes, and the error that comes in its place.
    fn course(&self, quoted: Quoted<'_>) -> (Course, Option<ApiError>) {
        let faults = self.strike(Phase::Answer);
        let (pace, first_byte) = *self.shared.pace.read().unwrap_or_else(PoisonError::into_inner);
        let first_byte = if self.route == Route::Messages {
            first_byte
        } else {
            Duration::ZERO
        };
        let failed = faults.iter().find_map(|fault| {
            if let Fault::Error(name) = fault {
                Some(ApiError::named(*name, quoted))
            } else {
                None
            }
        });
        (
            Course::with(&faults, pace, first_byte, quoted, &self.ids.request),
            failed,
        )
    }
}

/// The only field that an account error quotes.
#[derive(serde::Deserialize)]
struct Named {
    #[serde(default)]
    model: String,
}

fn quoted<'a>(key: &'a Key, model: &'a str) -> Quoted<'a> {
    Quoted {
        organization: &key.organization,
        model,
        limits: key.limits,
    }
}

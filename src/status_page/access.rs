//! Who may see what, where others than this machine can reach the page: the API server is asked who carries the token (TokenReview), and
//! what this user may do (SubjectAccessReview), as it would be for `kubectl get claudeprobes`.
//!
//! # Guarantees
//! No right is invented: what is shown is what the user may list, or get, in that namespace. Answers are remembered for at most half a
//! minute, by a digest; no token is kept, logged or shown.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, StatusCode, header};
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, UserInfo};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::Client;
use kube::api::{Api, PostParams};
use ring::digest::{Context, SHA256};
use tokio::sync::Semaphore;

use crate::text::plain::plain;

/// How long a yes is remembered.
const YES: Duration = Duration::from_secs(30);
/// How long a no is: whoever was just given a role does not want to wait.
const NO: Duration = Duration::from_secs(5);
/// Answers that are remembered at most.
const REMEMBERED: usize = 4096;
/// Reviews at the same time: a reader must not crowd the operator's own requests out.
const AT_ONCE: usize = 8;
/// Longest wait for a review, and for a turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest token that is looked at.
const LONGEST_TOKEN: usize = 16 * 1024;

/// Why nothing is shown, as a page says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: StatusCode,
    /// What happened.
    pub title: &'static str,
    /// What to do.
    pub sentences: Vec<String>,
}

/// Who may look.
pub enum Access {
    /// Everybody who reaches the port, which is on loopback.
    Local,
    /// Whoever carries a token, as far as its owner's rights go.
    Reviewed(Box<Reviewer>),
}

/// Who looks.
#[derive(Clone, Debug)]
pub enum Reader {
    /// Somebody on this machine.
    Local,
    /// The owner of a token.
    User(Arc<UserInfo>),
}

/// Which namespaces a reader may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All.
    All,
    /// These.
    Some(HashSet<String>),
}

impl Scope {
    /// Whether it has this namespace.
    #[must_use]
    pub fn has(&self, namespace: &str) -> bool {
        match self {
            Self::All => true,
            Self::Some(namespaces) => namespaces.contains(namespace),
        }
    }
}

impl Reader {
    /// The name, where there is one.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        match self {
            Self::Local => None,
            Self::User(user) => Some(plain(user.username.as_deref().unwrap_or_default())),
        }
    }
}

impl Access {
    /// Who asks.
    ///
    /// # Errors
    /// A token that is missing, or that nobody vouches for.
    pub async fn reader(&self, headers: &HeaderMap) -> Result<Reader, Refusal> {
        match self {
            Self::Local => Ok(Reader::Local),
            Self::Reviewed(reviewer) => reviewer.user(token(headers)?).await.map(Reader::User),
        }
    }

    /// Which of these namespaces the reader may list.
    ///
    /// # Errors
    /// The API server does not answer.
    pub async fn scope(&self, reader: &Reader, namespaces: BTreeSet<String>) -> Result<Scope, Refusal> {
        let (Self::Reviewed(reviewer), Reader::User(user)) = (self, reader) else {
            return Ok(Scope::All);
        };
        if reviewer.may(user, "list", "", "").await? {
            return Ok(Scope::All);
        }
        let asked = futures::stream::iter(namespaces).map(|namespace| async move {
            let may = reviewer.may(user, "list", &namespace, "").await?;
            Ok::<_, Refusal>(may.then_some(namespace))
        });
        let allowed: Vec<Option<String>> = asked.buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(Scope::Some(allowed.into_iter().flatten().collect()))
    }

    /// Nothing, where the reader may get this probe.
    ///
    /// # Errors
    /// The reader may not (whether or not there is such a probe), or the API server does not answer.
    pub async fn get(&self, reader: &Reader, namespace: &str, name: &str) -> Result<(), Refusal> {
        let (Self::Reviewed(reviewer), Reader::User(user)) = (self, reader) else {
            return Ok(());
        };
        if reviewer.may(user, "get", namespace, name).await? {
            return Ok(());
        }
        let who = plain(user.username.as_deref().unwrap_or_default());
        Err(Refusal {
            status: StatusCode::FORBIDDEN,
            title: "You may not see this probe",
            sentences: vec![
                format!(
                    "{who} may not get claudeprobes in namespace {}. Ask for the role claudeprobe-view there: it is a part of view, \
                     edit and admin.",
                    plain(namespace)
                ),
                format!(
                    "kubectl auth can-i get claudeprobes -n {} says the same.",
                    plain(namespace)
                ),
            ],
        })
    }
}

fn unauthorized(title: &'static str, first: &str) -> Refusal {
    Refusal {
        status: StatusCode::UNAUTHORIZED,
        title,
        sentences: vec![
            first.to_owned(),
            "Send Authorization: Bearer TOKEN, with a token that the API server takes: an authenticating proxy in front of this page does \
             it for browsers, and kubectl create token makes one for a ServiceAccount."
                .to_owned(),
        ],
    }
}

fn unavailable(sentence: String) -> Refusal {
    Refusal {
        status: StatusCode::SERVICE_UNAVAILABLE,
        title: "Your rights cannot be looked up now",
        sentences: vec![sentence],
    }
}

/// The token of a request.
fn token(headers: &HeaderMap) -> Result<&str, Refusal> {
    let missing = || unauthorized("This page asks who you are", "The request carries no bearer token.");
    let value = headers.get(header::AUTHORIZATION).ok_or_else(missing)?;
    let value = value.to_str().map_err(|_| missing())?;
    let (scheme, token) = value.split_once(' ').ok_or_else(missing)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() || token.len() > LONGEST_TOKEN {
        return Err(missing());
    }
    Ok(token)
}

/// Asks the API server.
pub struct Reviewer {
    client: Client,
    /// The audience that tokens must be for; without it the API server's own.
    audience: Option<String>,
    turns: Semaphore,
    remembered: Mutex<HashMap<Digest, (Instant, Answer)>>,
}

type Digest = [u8; 32];

#[derive(Clone, Debug)]
enum Answer {
    User(Arc<UserInfo>),
    Nobody,
    May(bool),
}

impl Reviewer {
    /// Nothing remembered yet.
    #[must_use]
    pub fn new(client: Client, audience: Option<String>) -> Self {
        Self {
            client,
            audience,
            turns: Semaphore::new(AT_ONCE),
            remembered: Mutex::default(),
        }
    }

    async fn user(&self, token: &str) -> Result<Arc<UserInfo>, Refusal> {
        let key = digest(&["token", token]);
        let answer = match self.recall(&key) {
            Some(answer) => answer,
            None => self.ask_user(token, key).await?,
        };
        match answer {
            Answer::User(user) => Ok(user),
            _ => Err(unauthorized(
                "The API server does not know this token",
                "It may have expired, or be for another cluster or audience.",
            )),
        }
    }

    async fn ask_user(&self, token: &str, key: Digest) -> Result<Answer, Refusal> {
        let review = TokenReview {
            spec: TokenReviewSpec {
                token: Some(token.to_owned()),
                audiences: self.audience.clone().map(|audience| vec![audience]),
            },
            ..TokenReview::default()
        };
        let status = self.review(&review).await?.status.unwrap_or_default();
        // An API server that knows no audiences answers without: then nothing says that the token is for us.
        let for_us = self.audience.as_ref().is_none_or(|audience| {
            let known = status.audiences.as_ref();
            known.is_some_and(|known| known.contains(audience))
        });
        let answer = match status.user {
            Some(user) if status.authenticated == Some(true) && for_us => Answer::User(Arc::new(user)),
            _ => Answer::Nobody,
        };
        self.remember(key, answer.clone());
        Ok(answer)
    }

    async fn may(&self, user: &UserInfo, verb: &str, namespace: &str, name: &str) -> Result<bool, Refusal> {
        let key = digest(&["right", &identity(user), verb, namespace, name]);
        if let Some(answer) = self.recall(&key) {
            return Ok(matches!(answer, Answer::May(true)));
        }
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let review = SubjectAccessReview {
            spec: SubjectAccessReviewSpec {
                user: user.username.clone(),
                uid: user.uid.clone(),
                groups: user.groups.clone(),
                extra: user.extra.clone(),
                resource_attributes: Some(ResourceAttributes {
                    group: Some("claudeprobe.dev".to_owned()),
                    resource: Some("claudeprobes".to_owned()),
                    verb: Some(verb.to_owned()),
                    namespace: some(namespace),
                    name: some(name),
                    ..ResourceAttributes::default()
                }),
                ..SubjectAccessReviewSpec::default()
            },
            ..SubjectAccessReview::default()
        };
        let status = self.review(&review).await?.status.unwrap_or_default();
        let may = status.allowed && status.denied != Some(true);
        self.remember(key, Answer::May(may));
        Ok(may)
    }

    /// One review, in its turn and within the patience of somebody who waits for a page.
    async fn review<K>(&self, review: &K) -> Result<K, Refusal>
    where
        K: kube::Resource<Scope = k8s_openapi::ClusterResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::Serialize
            + serde::de::DeserializeOwned,
        K::DynamicType: Default,
    {
        let kind = K::kind(&K::DynamicType::default()).into_owned();
        let asked = tokio::time::timeout(PATIENCE, async {
            // The semaphore is never closed; if it were, asking without a turn would do no harm.
            let _turn = self.turns.acquire().await.ok();
            Api::<K>::all(self.client.clone())
                .create(&PostParams::default(), review)
                .await
        });
        match asked.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(kube::Error::Api(status))) if status.code == 403 => {
                tracing::warn!(kind, "the status page may not ask the API server for reviews");
                Err(unavailable(format!(
                    "The operator may not create {kind}s, so it cannot tell what you may see. The chart renders that right where \
                     statusPage.address is not on loopback."
                )))
            }
            Ok(Err(error)) => {
                tracing::warn!(kind, error = %crate::telemetry::chain(&error), "a review failed");
                Err(unavailable(
                    "The API server did not answer as it should: try again in a moment.".to_owned(),
                ))
            }
            Err(_) => Err(unavailable(
                "The API server did not answer in 5 seconds: try again in a moment.".to_owned(),
            )),
        }
    }

    fn recall(&self, key: &Digest) -> Option<Answer> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, answer) = remembered.get(key)?;
        (*until > Instant::now()).then(|| answer.clone())
    }

    fn remember(&self, key: Digest, answer: Answer) {
        let now = Instant::now();
        let time = match answer {
            Answer::User(_) | Answer::May(true) => YES,
            Answer::Nobody | Answer::May(false) => NO,
        };
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED {
            remembered.retain(|_, (until, _)| *until > now);
        }
        // Still full: to ask again costs less than to choose.
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        remembered.insert(key, (now + time, answer));
    }
}

/// Everything that an authorizer may decide on.
fn identity(user: &UserInfo) -> String {
    serde_json::to_string(user).unwrap_or_default()
}

/// Parts with their lengths, so that no two lists of parts are alike.
fn digest(parts: &[&str]) -> Digest {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&part.len().to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn with(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())])
    }

    #[test]
    fn only_a_bearer_token_is_a_token() {
        assert_eq!(token(&with("Bearer abc")).unwrap(), "abc");
        assert_eq!(token(&with("bearer  abc ")).unwrap(), "abc");
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "Basic YTpi",
            "abc",
            &format!("Bearer {}", "a".repeat(17_000)),
        ] {
            let refusal = token(&with(wrong)).unwrap_err();
            assert_eq!(refusal.status, StatusCode::UNAUTHORIZED, "{wrong}");
        }
        assert!(token(&HeaderMap::new()).is_err());
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        assert_eq!(digest(&["ab", "c"]), digest(&["ab", "c"]));
    }
}

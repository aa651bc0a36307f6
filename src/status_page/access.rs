//! Access to a page that is not on loopback: the API server authenticates the token (TokenReview) and checks the user's
//! rights (SubjectAccessReview), as for `kubectl get claudeprobes`.
//!
//! # Guarantees
//! The page shows only what the user may list or get in that namespace. Answers are cached for at most 30 seconds, by a
//! digest. No token is stored, logged or shown.

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

/// Lifetime of a positive answer in the cache.
const POSITIVE_TTL: Duration = Duration::from_secs(30);
/// Lifetime of a negative answer: short, because a new role binding takes effect after it.
const NEGATIVE_TTL: Duration = Duration::from_secs(5);
/// Maximum number of cached answers.
const MAX_CACHED: usize = 4096;
/// Concurrent reviews: readers must not displace the operator's own requests.
const MAX_CONCURRENT_REVIEWS: usize = 8;
/// Timeout of a review, including the wait for a permit.
const REVIEW_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum length of a token in bytes.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// Why the page rejects a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// HTTP status.
    pub status: StatusCode,
    /// What is wrong.
    pub title: &'static str,
    /// What to do.
    pub paragraphs: Vec<String>,
}

/// Access control of the page.
pub enum Access {
    /// Everybody who reaches the port: it is on loopback.
    Local,
    /// Users with a token, within their rights.
    Reviewed(Box<Reviewer>),
}

/// The author of a request.
#[derive(Clone, Debug)]
pub enum Reader {
    /// A local user.
    Local,
    /// The user of a token.
    User(Arc<UserInfo>),
}

/// The namespaces that a reader may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All.
    All,
    /// These.
    Some(HashSet<String>),
}

impl Scope {
    /// Whether it includes this namespace.
    #[must_use]
    pub fn includes(&self, namespace: &str) -> bool {
        match self {
            Self::All => true,
            Self::Some(namespaces) => namespaces.contains(namespace),
        }
    }
}

impl Reader {
    /// The user name, if known.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        match self {
            Self::Local => None,
            Self::User(user) => Some(plain(user.username.as_deref().unwrap_or_default())),
        }
    }
}

impl Access {
    /// The author of a request.
    ///
    /// # Errors
    /// The token is missing, or the API server rejects it.
    pub async fn reader(&self, headers: &HeaderMap) -> Result<Reader, Rejection> {
        match self {
            Self::Local => Ok(Reader::Local),
            Self::Reviewed(reviewer) => reviewer.user(token(headers)?).await.map(Reader::User),
        }
    }

    /// The namespaces among these that the reader may list.
    ///
    /// # Errors
    /// The API server does not answer.
    pub async fn scope(&self, reader: &Reader, namespaces: BTreeSet<String>) -> Result<Scope, Rejection> {
        let (Self::Reviewed(reviewer), Reader::User(user)) = (self, reader) else {
            return Ok(Scope::All);
        };
        if reviewer.is_allowed(user, "list", "", "").await? {
            return Ok(Scope::All);
        }
        let asked = futures::stream::iter(namespaces).map(|namespace| async move {
            let allowed = reviewer.is_allowed(user, "list", &namespace, "").await?;
            Ok::<_, Rejection>(allowed.then_some(namespace))
        });
        let allowed: Vec<Option<String>> = asked.buffer_unordered(MAX_CONCURRENT_REVIEWS).try_collect().await?;
        Ok(Scope::Some(allowed.into_iter().flatten().collect()))
    }

    /// Checks that the reader may get this probe.
    ///
    /// # Errors
    /// The reader may not (whether or not the probe exists), or the API server does not answer.
    pub async fn get(&self, reader: &Reader, namespace: &str, name: &str) -> Result<(), Rejection> {
        let (Self::Reviewed(reviewer), Reader::User(user)) = (self, reader) else {
            return Ok(());
        };
        if reviewer.is_allowed(user, "get", namespace, name).await? {
            return Ok(());
        }
        let who = plain(user.username.as_deref().unwrap_or_default());
        Err(Rejection {
            status: StatusCode::FORBIDDEN,
            title: "You may not see this probe",
            paragraphs: vec![
                format!(
                    "{who} may not get claudeprobes in namespace {}. Request the role claudeprobe-view there: view, edit and \
                     admin include it.",
                    plain(namespace)
                ),
                format!("To check: kubectl auth can-i get claudeprobes -n {}", plain(namespace)),
            ],
        })
    }
}

fn unauthorized(title: &'static str, first: &str) -> Rejection {
    Rejection {
        status: StatusCode::UNAUTHORIZED,
        title,
        paragraphs: vec![
            first.to_owned(),
            "Send Authorization: Bearer TOKEN with a token that the API server accepts. For browsers, put an authenticating proxy \
             in front of this page. For a ServiceAccount, kubectl create token creates a token."
                .to_owned(),
        ],
    }
}

fn unavailable(sentence: String) -> Rejection {
    Rejection {
        status: StatusCode::SERVICE_UNAVAILABLE,
        title: "Your rights cannot be checked now",
        paragraphs: vec![sentence],
    }
}

/// The token of a request.
fn token(headers: &HeaderMap) -> Result<&str, Rejection> {
    let missing = || unauthorized("Authentication required", "The request has no bearer token.");
    let value = headers.get(header::AUTHORIZATION).ok_or_else(missing)?;
    let value = value.to_str().map_err(|_| missing())?;
    let (scheme, token) = value.split_once(' ').ok_or_else(missing)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() || token.len() > MAX_TOKEN_BYTES {
        return Err(missing());
    }
    Ok(token)
}

/// Creates reviews at the API server.
pub struct Reviewer {
    client: Client,
    /// The audience that tokens must have; `None`: the API server's own.
    audience: Option<String>,
    permits: Semaphore,
    cache: Mutex<HashMap<Digest, (Instant, Answer)>>,
}

type Digest = [u8; 32];

#[derive(Clone, Debug)]
enum Answer {
    User(Arc<UserInfo>),
    Unauthenticated,
    Allowed(bool),
}

impl Reviewer {
    /// With an empty cache.
    #[must_use]
    pub fn new(client: Client, audience: Option<String>) -> Self {
        Self {
            client,
            audience,
            permits: Semaphore::new(MAX_CONCURRENT_REVIEWS),
            cache: Mutex::default(),
        }
    }

    async fn user(&self, token: &str) -> Result<Arc<UserInfo>, Rejection> {
        let key = digest(&["token", token]);
        let answer = match self.cached(&key) {
            Some(answer) => answer,
            None => self.review_token(token, key).await?,
        };
        match answer {
            Answer::User(user) => Ok(user),
            _ => Err(unauthorized(
                "The API server rejects this token",
                "It is invalid, expired, or for another cluster or audience. To decide, read its claims exp, iss and aud.",
            )),
        }
    }

    async fn review_token(&self, token: &str, key: Digest) -> Result<Answer, Rejection> {
        let review = TokenReview {
            spec: TokenReviewSpec {
                token: Some(token.to_owned()),
                audiences: self.audience.clone().map(|audience| vec![audience]),
            },
            ..TokenReview::default()
        };
        let status = self.review(&review).await?.status.unwrap_or_default();
        // An API server without support for audiences returns none: then the token may be for another audience.
        let for_us = self.audience.as_ref().is_none_or(|audience| {
            let known = status.audiences.as_ref();
            known.is_some_and(|known| known.contains(audience))
        });
        let answer = match status.user {
            Some(user) if status.authenticated == Some(true) && for_us => Answer::User(Arc::new(user)),
            _ => Answer::Unauthenticated,
        };
        self.store(key, answer.clone());
        Ok(answer)
    }

    async fn is_allowed(&self, user: &UserInfo, verb: &str, namespace: &str, name: &str) -> Result<bool, Rejection> {
        let key = digest(&["right", &identity(user), verb, namespace, name]);
        if let Some(answer) = self.cached(&key) {
            return Ok(matches!(answer, Answer::Allowed(true)));
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
        let allowed = status.allowed && status.denied != Some(true);
        self.store(key, Answer::Allowed(allowed));
        Ok(allowed)
    }

    /// One review, with a permit and a timeout.
    async fn review<K>(&self, review: &K) -> Result<K, Rejection>
    where
        K: kube::Resource<Scope = k8s_openapi::ClusterResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::Serialize
            + serde::de::DeserializeOwned,
        K::DynamicType: Default,
    {
        let kind = K::kind(&K::DynamicType::default()).into_owned();
        let asked = tokio::time::timeout(REVIEW_TIMEOUT, async {
            // The semaphore is never closed. If it were, a review without a permit would do no harm.
            let _permit = self.permits.acquire().await.ok();
            Api::<K>::all(self.client.clone())
                .create(&PostParams::default(), review)
                .await
        });
        match asked.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(kube::Error::Api(status))) if status.code == 403 => {
                tracing::warn!(kind, "the operator may not create reviews for the status page");
                Err(unavailable(format!(
                    "The operator may not create {kind}s and cannot check what you may see. The chart grants this right if \
                     statusPage.address is not on loopback."
                )))
            }
            Ok(Err(error)) => {
                tracing::warn!(kind, error = %crate::telemetry::chain(&error), "a review failed");
                Err(unavailable(
                    "The API server returned an error. Try again in a moment.".to_owned(),
                ))
            }
            Err(_) => Err(unavailable(
                "The API server did not answer within 5 seconds. Try again in a moment.".to_owned(),
            )),
        }
    }

    fn cached(&self, key: &Digest) -> Option<Answer> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, answer) = cache.get(key)?;
        (*until > Instant::now()).then(|| answer.clone())
    }

    fn store(&self, key: Digest, answer: Answer) {
        let now = Instant::now();
        let time = match answer {
            Answer::User(_) | Answer::Allowed(true) => POSITIVE_TTL,
            Answer::Unauthenticated | Answer::Allowed(false) => NEGATIVE_TTL,
        };
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= MAX_CACHED {
            cache.retain(|_, (until, _)| *until > now);
        }
        // Still full: new reviews cost less than a choice of entries.
        if cache.len() >= MAX_CACHED {
            cache.clear();
        }
        cache.insert(key, (now + time, answer));
    }
}

/// All attributes of a user that an authorizer may read.
fn identity(user: &UserInfo) -> String {
    serde_json::to_string(user).unwrap_or_default()
}

/// Includes the lengths of the parts, so that different lists of parts have different digests.
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
            let rejection = token(&with(wrong)).unwrap_err();
            assert_eq!(rejection.status, StatusCode::UNAUTHORIZED, "{wrong}");
        }
        assert!(token(&HeaderMap::new()).is_err());
    }

    #[test]
    fn different_lists_of_parts_have_different_digests() {
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        assert_eq!(digest(&["ab", "c"]), digest(&["ab", "c"]));
    }
}

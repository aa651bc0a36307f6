//! Replies of the content network in front of the API: no envelope of the API, no request id.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use super::headers;
use super::ids::CallIds;

/// The host that pages name.
const ZONE: &str = "api.anthropic.com";

/// An error of the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Page {
    /// 403 `{"error":{"type":"forbidden","message":"Request not allowed"}}`: the address is blocked.
    Forbidden,
    /// 413 `{"error":{"type":"request_too_large",…}}`.
    TooLarge,
    /// 403, a challenge in HTML with `cf-mitigated`.
    Challenge,
    /// 502, a bare page.
    Error502,
    /// 504, a page that names the host.
    Error504,
    /// 520, a page that names the host.
    Error520,
    /// 522 as JSON with `retry_after`.
    Error522,
    /// 524, a page that names the host.
    Error524,
}

/// Status, headers and body.
pub(super) fn reply(page: Page, ids: &CallIds) -> (u16, HeaderMap, Bytes) {
    let mut headers = headers::edge(ids, "text/html; charset=UTF-8");
    let mut json = || headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let (status, body) = match page {
        Page::Forbidden => {
            json();
            (403, r#"{"error":{"type":"forbidden","message":"Request not allowed"}}"#.to_owned())
        }
        Page::TooLarge => {
            json();
            (413, r#"{"error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}"#.to_owned())
        }
        Page::Challenge => {
            headers.insert(HeaderName::from_static("cf-mitigated"), HeaderValue::from_static("challenge"));
            (403, html("Just a moment...", "Enable JavaScript and cookies to continue"))
        }
        Page::Error502 => (
            502,
            "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n".to_owned(),
        ),
        Page::Error504 => (504, numbered("504: Gateway time-out")),
        Page::Error520 => (520, numbered("520: Web server is returning an unknown error")),
        Page::Error524 => (524, numbered("524: A timeout occurred")),
        Page::Error522 => {
            json();
            let ray = ids.ray.split('-').next().unwrap_or_default();
            let body = serde_json::json!({
                "type": "https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/error-522/",
                "title": "Error 522: Connection timed out", "status": 522, "error_code": 522, "error_name": "connection_timed_out",
                "error_category": "origin", "ray_id": ray, "zone": ZONE, "cloudflare_error": true, "retryable": true, "retry_after": 120,
            });
            (522, body.to_string())
        }
    };
    (status, headers, Bytes::from(body))
}

fn numbered(error: &str) -> String {
    html(&format!("{ZONE} | {error}"), error)
}

fn html(title: &str, text: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en-US\">\n<head>\n<title>{title}</title>\n<meta charset=\"UTF-8\" />\n</head>\n<body>\n<h1>{text}</h1>\n</body>\n</html>\n"
    )
}

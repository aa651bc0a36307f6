//! Parses a request: version, betas, content encoding, JSON. Errors have the API's wording.

use serde_json::Value;

use super::errors::{ApiError, Stage};

/// Betas that are not refused.
const BETAS: [&str; 24] = [
    "advanced-tool-use-2025-11-20",
    "claude-code-20250219",
    "code-execution-2025-08-25",
    "compact-2026-01-12",
    "computer-use-2025-01-24",
    "context-1m-2025-08-07",
    "context-management-2025-06-27",
    "effort-2025-11-24",
    "extended-cache-ttl-2025-04-11",
    "fast-mode-2026-02-01",
    "files-api-2025-04-14",
    "fine-grained-tool-streaming-2025-05-14",
    "interleaved-thinking-2025-05-14",
    "mcp-client-2025-04-04",
    "mcp-client-2025-11-20",
    "message-batches-2024-09-24",
    "oauth-2025-04-20",
    "output-128k-2025-02-19",
    "pdfs-2024-09-25",
    "prompt-caching-2024-07-31",
    "skills-2025-10-02",
    "structured-outputs-2025-11-13",
    "token-counting-2024-11-01",
    "web-fetch-2025-09-10",
];

/// The version header, all its values joined as the edge joins them.
pub(super) fn version(values: &[String]) -> Result<String, ApiError> {
    let joined = values.join(", ");
    if joined.is_empty() {
        return Err(ApiError::invalid("anthropic-version: header is required"));
    }
    if crate::claude::headers::VERSIONS.contains(&joined.as_str()) {
        Ok(joined)
    } else {
        Err(ApiError::invalid(format!(
            "anthropic-version: \"{joined}\" is not a valid version"
        )))
    }
}

/// The names in all `anthropic-beta` headers.
pub(super) fn betas(values: &[String]) -> Result<Vec<String>, ApiError> {
    let names: Vec<String> = values
        .iter()
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    let unknown: Vec<String> = names
        .iter()
        .filter(|name| !BETAS.contains(&name.as_str()))
        .map(|name| format!("`{name}`"))
        .collect();
    if unknown.is_empty() {
        return Ok(names);
    }
    Err(ApiError::invalid(format!(
        "Unexpected value(s) {} for the `anthropic-beta` header. Please consult our documentation at platform.claude.com/docs or try again without the header.",
        unknown.join(", ")
    )))
}

/// The body as JSON, or the byte where it stops being JSON.
pub(super) fn json(bytes: &[u8]) -> Result<Value, ApiError> {
    let error = match serde_json::from_slice::<Value>(bytes) {
        Ok(value) if value.is_object() => return Ok(value),
        Ok(_) => return Err(ApiError::invalid("Input should be an object")),
        Err(error) => error,
    };
    let text = error.to_string();
    let (reason, at_end) = if error.is_eof() {
        ("unexpected end of data", true)
    } else if text.starts_with("control character") {
        ("unexpected control character in string", false)
    } else {
        ("unexpected character", false)
    };
    let line_start: usize = bytes
        .split_inclusive(|&byte| byte == b'\n')
        .take(error.line().saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    let at = if at_end {
        bytes.len()
    } else {
        line_start + error.column().saturating_sub(1)
    };
    let column = at.saturating_sub(line_start) + 1;
    Err(ApiError::invalid(format!(
        "The request body is not valid JSON: {reason}: line {} column {column} (char {at})",
        error.line().max(1)
    )))
}

/// Largest body after decoding.
const MAX_DECODED: u64 = 32 << 20;

/// The body without its `content-encoding`.
pub(super) fn decoded(bytes: &[u8], encoding: Option<&str>) -> Result<Option<Vec<u8>>, ApiError> {
    use std::io::Read;
    let coded = |message: &str, code: &'static str| {
        let mut error = ApiError::invalid(message);
        error.code = Some(code.into());
        error
    };
    match encoding.map(|name| name.trim().to_ascii_lowercase()).as_deref() {
        None | Some("" | "identity") => Ok(None),
        Some("gzip") => {
            let mut out = Vec::new();
            let read = flate2::read::GzDecoder::new(bytes)
                .take(MAX_DECODED + 1)
                .read_to_end(&mut out);
            if read.is_err() {
                return Err(coded(
                    "The request body could not be decoded as gzip.",
                    "request_body_encoding_invalid",
                ));
            }
            if u64::try_from(out.len()).is_ok_and(|length| length > MAX_DECODED) {
                let mut error = ApiError::new(
                    413,
                    "request_too_large",
                    "Request exceeds the maximum size",
                    Stage::Account,
                );
                error.code = Some("request_body_too_large_after_decoding".into());
                return Err(error);
            }
            Ok(Some(out))
        }
        Some(_) => Err(coded(
            "The request body's content-encoding is not supported.",
            "request_body_encoding_unsupported",
        )),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn the_byte_where_json_ends_is_named_as_received() {
        let position = |bytes: &[u8]| json(bytes).unwrap_err().message;
        assert_eq!(
            position(b"{\"a\":\"\x01\"}"),
            "The request body is not valid JSON: unexpected control character in string: line 1 column 7 (char 6)"
        );
        assert_eq!(
            position(b"{\"a\": x}"),
            "The request body is not valid JSON: unexpected character: line 1 column 7 (char 6)"
        );
        assert_eq!(
            position(b"{\n\"a\": x}"),
            "The request body is not valid JSON: unexpected character: line 2 column 6 (char 7)"
        );
        assert_eq!(
            position(b"{\"a\":"),
            "The request body is not valid JSON: unexpected end of data: line 1 column 6 (char 5)"
        );
        assert_eq!(
            position(b""),
            "The request body is not valid JSON: unexpected end of data: line 1 column 1 (char 0)"
        );
    }

    #[test]
    fn versions_and_betas_are_echoed() {
        let sent = |values: &[&str]| {
            version(&values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>()).map_err(|error| error.message)
        };
        assert_eq!(sent(&["2023-06-01"]).unwrap(), "2023-06-01");
        assert_eq!(sent(&[]).unwrap_err(), "anthropic-version: header is required");
        assert_eq!(
            sent(&["2023-06-01", "2023-06-01"]).unwrap_err(),
            "anthropic-version: \"2023-06-01, 2023-06-01\" is not a valid version"
        );
        let error = betas(&["oauth-2025-04-20, x-1".to_owned(), "y-2".to_owned()])
            .unwrap_err()
            .message;
        assert!(
            error.starts_with("Unexpected value(s) `x-1`, `y-2` for the `anthropic-beta` header."),
            "{error}"
        );
    }

    #[test]
    fn gzip_is_decoded_and_other_encodings_have_a_code() {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(b"{}").unwrap();
        assert_eq!(
            decoded(&encoder.finish().unwrap(), Some("gzip")).unwrap().unwrap(),
            b"{}"
        );
        assert_eq!(
            decoded(b"{}", Some("br")).unwrap_err().code.as_deref(),
            Some("request_body_encoding_unsupported")
        );
        assert_eq!(
            decoded(b"{}", Some("gzip")).unwrap_err().code.as_deref(),
            Some("request_body_encoding_invalid")
        );
    }
}

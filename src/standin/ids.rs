//! Identifiers of the forms that the API makes.

use ring::rand::{SecureRandom, SystemRandom};

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Random bytes. If the system's source fails they are zero: an id that repeats, not a stopped server.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let _ = SystemRandom::new().fill(&mut bytes);
    bytes
}

/// Random lower-case hexadecimal digits, two per byte.
pub(super) fn hex<const BYTES: usize>() -> String {
    encode_hex(&random::<BYTES>())
}

/// Lower-case hexadecimal digits.
pub(super) fn encode_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The ids of one call. Those of one call share a prefix that grows with time, as genuine ones do.
#[derive(Clone, Debug)]
pub(super) struct CallIds {
    /// `req_…`
    pub request: String,
    /// `msg_…`
    pub message: String,
    /// `traceresponse`
    pub trace: String,
    /// `cf-ray`
    pub ray: String,
}

impl CallIds {
    /// New ids at a point in time.
    pub fn at(now: jiff::Timestamp) -> Self {
        let prefix = prefix(now);
        Self {
            request: format!("req_{prefix}{}", base58()),
            message: format!("msg_{prefix}{}", base58()),
            trace: format!("00-{}-{}-01", hex::<16>(), hex::<8>()),
            ray: format!("{}-FRA", hex::<8>()),
        }
    }
}

/// Eight characters: a version and four digits of time in steps of 16 seconds.
fn prefix(now: jiff::Timestamp) -> String {
    let mut steps = usize::try_from(now.as_second().max(0) / 16).unwrap_or(0);
    let mut digits = [b'1'; 4];
    for digit in digits.iter_mut().rev() {
        *digit = BASE58.get(steps % 58).copied().unwrap_or(b'1');
        steps /= 58;
    }
    format!("011C{}", String::from_utf8_lossy(&digits))
}

/// Sixteen random characters.
fn base58() -> String {
    random::<16>()
        .iter()
        .filter_map(|byte| BASE58.get(usize::from(*byte) % 58))
        .map(|&byte| char::from(byte))
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_genuine_form_and_share_their_time() {
        let ids = CallIds::at("2026-11-22T10:00:00Z".parse().unwrap());
        assert_eq!((ids.request.len(), ids.message.len()), (28, 28));
        assert!(crate::claude::headers::is_request_id(&ids.request));
        assert_eq!(ids.request.get(4..12), ids.message.get(4..12));
        assert_ne!(ids.request.get(12..), ids.message.get(12..));
        let later = CallIds::at("2026-11-22T10:01:00Z".parse().unwrap());
        assert_ne!(ids.request.get(..12), later.request.get(..12));
    }
}

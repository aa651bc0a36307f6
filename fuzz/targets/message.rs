//! Termination messages: a decoded report encodes to the same one, and a changed line is dropped, never read as another.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claudeprobe::report::message;

/// Lines without their checksums: no mutation would find a valid one.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = message::decode(&text);
    let sealed: String = text.split('\n').map(seal).collect();
    let Ok(run) = message::decode(&sealed) else { return };
    let whole = message::encode(&run.rounded(), usize::MAX);
    let again = message::decode(&whole).expect("a decoded report decodes again");
    // One changed character: no path may differ from those of the whole report.
    let mix = |sum: usize, &byte: &u8| sum.wrapping_mul(31).wrapping_add(usize::from(byte));
    let place = bytes.iter().fold(0, mix) % whole.len();
    let mut changed = whole.into_bytes();
    if changed[place] == b'\n' || !changed[place].is_ascii() {
        return;
    }
    changed[place] = if changed[place] == b'a' { b'b' } else { b'a' };
    let Ok(part) = message::decode(&String::from_utf8_lossy(&changed)) else {
        return;
    };
    for path in &part.paths {
        let known = again
            .paths
            .iter()
            .any(|full| full.path == path.path && full.key == path.key);
        assert!(known, "a changed line decodes as another path: {path:?}");
    }
}

/// As the format's own lines: CRC-32, of which 24 bits are kept.
fn seal(line: &str) -> String {
    let mut crc = flate2::Crc::new();
    crc.update(line.as_bytes());
    format!("{line}{}\n", URL_SAFE_NO_PAD.encode(&crc.sum().to_be_bytes()[..3]))
}

//! Undoes the content coding of a body, bounded, keeping when its bytes came.

use flate2::{Decompress, FlushDecompress, Status};

use crate::probe::link::Chunk;

/// Bytes that a decoded body may have: a bomb stops here.
const MAX_DECODED: usize = 8 * 1024 * 1024;

/// A body without its content coding.
#[derive(Debug, Default)]
pub struct Decoded {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// When they came, as far as the coding let them out.
    pub chunks: Vec<Chunk>,
    /// Whether a coding was undone.
    pub compressed: bool,
    /// Whether the coding is unknown or broken: the bytes are then what could be read.
    pub unreadable: bool,
    /// Whether it has more bytes than are kept.
    pub oversized: bool,
}

/// Undoes `coding` (the value of `content-encoding`).
#[must_use]
pub fn decode(coding: Option<&str>, body: &[u8], chunks: &[Chunk]) -> Decoded {
    let coding = coding.unwrap_or("identity").trim().to_ascii_lowercase();
    match coding.as_str() {
        "" | "identity" => Decoded {
            bytes: body.to_vec(),
            chunks: chunks.to_vec(),
            ..Decoded::default()
        },
        "gzip" | "x-gzip" => inflate(body, chunks),
        _ => Decoded {
            compressed: true,
            unreadable: true,
            ..Decoded::default()
        },
    }
}

fn inflate(body: &[u8], chunks: &[Chunk]) -> Decoded {
    let mut out = Decoded {
        compressed: true,
        ..Decoded::default()
    };
    let Some(start) = gzip_header(body) else {
        out.unreadable = !body.is_empty();
        return out;
    };
    let mut inflater = Decompress::new(false);
    let mut buffer = vec![0; 16 * 1024];
    let mut from = start;
    for chunk in chunks {
        let mut input = body.get(from..chunk.end.min(body.len())).unwrap_or_default();
        from = from.max(chunk.end);
        loop {
            let (read, wrote) = (inflater.total_in(), inflater.total_out());
            let status = inflater.decompress(input, &mut buffer, FlushDecompress::Sync);
            let fresh = usize::try_from(inflater.total_out() - wrote).unwrap_or(0);
            out.bytes.extend_from_slice(buffer.get(..fresh).unwrap_or_default());
            let read = usize::try_from(inflater.total_in() - read).unwrap_or(input.len());
            input = input.get(read..).unwrap_or_default();
            match status {
                Ok(Status::StreamEnd) => break,
                Ok(_) if fresh == 0 && read == 0 => break,
                Ok(_) => {}
                Err(_) => {
                    out.unreadable = true;
                    break;
                }
            }
            if out.bytes.len() > MAX_DECODED {
                out.oversized = true;
                break;
            }
        }
        let end = out.bytes.len();
        if out.chunks.last().map_or(end > 0, |last| last.end < end) {
            out.chunks.push(Chunk {
                at_ms: chunk.at_ms,
                end,
            });
        }
        if out.unreadable || out.oversized {
            break;
        }
    }
    out
}

/// RFC 1952, 2.3: where the deflate stream begins.
fn gzip_header(body: &[u8]) -> Option<usize> {
    const HCRC: u8 = 2;
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    let head = body.get(..10)?;
    if !head.starts_with(&[0x1f, 0x8b, 8]) {
        return None;
    }
    let flags = *head.get(3)?;
    let mut at = 10;
    if flags & EXTRA != 0 {
        let length = body.get(at..at + 2)?;
        at += 2 + usize::from(u16::from_le_bytes(length.try_into().ok()?));
    }
    for _ in 0..(u8::from(flags & NAME != 0) + u8::from(flags & COMMENT != 0)) {
        at += body.get(at..)?.iter().position(|&byte| byte == 0)? + 1;
    }
    Some(if flags & HCRC != 0 { at + 2 } else { at })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    #[test]
    fn flushed_gzip_keeps_the_times_of_its_parts() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let mut chunks = Vec::new();
        for (part, at_ms) in [("one", 10), ("two", 250), ("three", 900)] {
            encoder.write_all(part.as_bytes()).unwrap();
            encoder.flush().unwrap();
            chunks.push(Chunk {
                at_ms,
                end: encoder.get_ref().len(),
            });
        }
        let body = encoder.finish().unwrap();
        chunks.push(Chunk {
            at_ms: 950,
            end: body.len(),
        });
        let decoded = decode(Some("gzip"), &body, &chunks);
        assert_eq!(decoded.bytes, b"onetwothree");
        assert_eq!(
            decoded
                .chunks
                .iter()
                .map(|chunk| (chunk.at_ms, chunk.end))
                .collect::<Vec<_>>(),
            [(10, 3), (250, 6), (900, 11)]
        );
        assert!(decoded.compressed && !decoded.unreadable);
    }

    #[test]
    fn a_bomb_stops_at_the_bound_and_garbage_is_unreadable() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![0; 64 * 1024 * 1024]).unwrap();
        let bomb = encoder.finish().unwrap();
        let chunks = [Chunk {
            at_ms: 0,
            end: bomb.len(),
        }];
        let decoded = decode(Some("gzip"), &bomb, &chunks);
        assert!(decoded.oversized && decoded.bytes.len() <= MAX_DECODED + 64 * 1024);
        for garbage in [
            &b"\x1f\x8b\x08\xff"[..],
            b"not gzip at all",
            b"\x1f\x8b\x08\x00\0\0\0\0\0\0\xff\xff\xff\xff\xff",
        ] {
            let chunks = [Chunk {
                at_ms: 0,
                end: garbage.len(),
            }];
            assert!(decode(Some("gzip"), garbage, &chunks).unreadable);
        }
        assert!(decode(Some("br"), b"x", &[]).unreadable);
    }
}

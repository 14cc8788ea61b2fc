//! Opens a file: unpacks gzip and zstd, drops byte-order marks, turns UTF-16 into UTF-8. All by content, not by name.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::read::MultiGzDecoder;

/// The bytes of a file as text formats want them.
pub(crate) type Bytes = Box<dyn Read + Send>;

/// An opened file.
pub(crate) struct Input {
    pub(crate) bytes: Bytes,
    /// Whether the bytes are those of the file, so that a part of it can be read alone.
    pub(crate) plain: bool,
    /// Length of the byte-order mark that was dropped.
    pub(crate) skipped: u64,
}

/// What the first bytes of a file say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Magic {
    Parquet,
    Zip,
    Text,
}

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Reads up to `N` bytes, fewer only at the end.
fn peek<const N: usize>(reader: &mut impl Read) -> io::Result<(usize, [u8; N])> {
    let mut bytes = [0; N];
    let mut filled = 0;
    while filled < N {
        match reader.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((filled, bytes))
}

/// What kind of file this is, before any unpacking.
pub(crate) fn magic(path: &Path) -> io::Result<Magic> {
    let (filled, bytes) = peek::<4>(&mut File::open(path)?)?;
    Ok(match &bytes[..filled] {
        b"PAR1" => Magic::Parquet,
        b"PK\x03\x04" => Magic::Zip,
        _ => Magic::Text,
    })
}

/// Opens a file from its beginning.
pub(crate) fn open(path: &Path) -> io::Result<Input> {
    unpack(File::open(path)?)
}

/// Opens what a file held.
pub(crate) fn of_bytes(bytes: Vec<u8>) -> io::Result<Input> {
    unpack(Cursor::new(bytes))
}

fn unpack(mut file: impl Read + Seek + Send + 'static) -> io::Result<Input> {
    let (filled, bytes) = peek::<4>(&mut file)?;
    file.seek(SeekFrom::Start(0))?;
    let head = &bytes[..filled];
    if head.starts_with(GZIP) {
        return unmark(Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 16, file))), false);
    }
    if head.starts_with(ZSTD) {
        return unmark(Box::new(zstd::Decoder::new(file)?), false);
    }
    unmark(Box::new(file), true)
}

/// Opens a plain file at a byte.
pub(crate) fn open_at(path: &Path, start: u64) -> io::Result<Bytes> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    Ok(Box::new(file))
}

fn unmark(mut bytes: Bytes, plain: bool) -> io::Result<Input> {
    let (filled, head) = match peek::<3>(&mut bytes) {
        Ok(found) => found,
        // A packed file that is broken from the start: let the reader meet the error and name it.
        Err(error) => return Ok(Input { bytes: Box::new(Failing(Some(error))), plain, skipped: 0 }),
    };
    let rest = |skip: usize, bytes: Bytes| -> Bytes { Box::new(Cursor::new(head[skip..filled].to_vec()).chain(bytes)) };
    Ok(match &head[..filled] {
        [0xef, 0xbb, 0xbf, ..] => Input { bytes: rest(3, bytes), plain, skipped: 3 },
        [0xff, 0xfe, ..] => Input { bytes: Box::new(Utf16::new(rest(2, bytes), false)), plain: false, skipped: 0 },
        [0xfe, 0xff, ..] => Input { bytes: Box::new(Utf16::new(rest(2, bytes), true)), plain: false, skipped: 0 },
        _ => Input { bytes: rest(0, bytes), plain, skipped: 0 },
    })
}

struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// UTF-16 as UTF-8: what Windows PowerShell writes with `>`.
struct Utf16 {
    inner: BufReader<Bytes>,
    big_endian: bool,
    pending: Option<u16>,
    out: Vec<u8>,
    at: usize,
}

impl Utf16 {
    fn new(inner: Bytes, big_endian: bool) -> Utf16 {
        Utf16 { inner: BufReader::with_capacity(1 << 16, inner), big_endian, pending: None, out: Vec::new(), at: 0 }
    }

    fn unit(&mut self) -> io::Result<Option<u16>> {
        if let Some(unit) = self.pending.take() {
            return Ok(Some(unit));
        }
        let (filled, bytes) = peek::<2>(&mut self.inner)?;
        Ok((filled == 2).then(|| if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }))
    }

    fn refill(&mut self) -> io::Result<()> {
        self.out.clear();
        self.at = 0;
        let mut encoded = [0; 4];
        while self.out.len() < 1 << 15 {
            let Some(unit) = self.unit()? else { break };
            let mut code = char::from_u32(u32::from(unit));
            if (0xd800..0xdc00).contains(&unit)
                && let Some(second) = self.unit()?
            {
                code = char::decode_utf16([unit, second]).next().and_then(Result::ok);
                if code.is_none() {
                    self.pending = Some(second);
                }
            }
            let code = code.unwrap_or(char::REPLACEMENT_CHARACTER);
            self.out.extend_from_slice(code.encode_utf8(&mut encoded).as_bytes());
        }
        Ok(())
    }
}

impl Read for Utf16 {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.out.len() {
            self.refill()?;
        }
        let count = buffer.len().min(self.out.len() - self.at);
        buffer[..count].copy_from_slice(&self.out[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        let mut text = String::new();
        open(&path).unwrap().bytes.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn marks_and_encodings() {
        assert_eq!(read(b"\xef\xbb\xbfab"), "ab");
        assert_eq!(read(b"a"), "a");
        assert_eq!(read(b""), "");
        let little: Vec<u8> = "\u{feff}a€😀".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(read(&little), "a€😀");
        let big: Vec<u8> = "\u{feff}a€😀".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(read(&big), "a€😀");
        assert_eq!(read(&[0xff, 0xfe, 0x00, 0xd8, 0x61, 0x00]), "\u{fffd}a");
    }

    #[test]
    fn packed() {
        assert_eq!(read(&zstd::encode_all(&b"\xef\xbb\xbfab"[..], 1).unwrap()), "ab");
    }
}

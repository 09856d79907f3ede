//! The header of a `.npy` file: a magic number, a version, a length, and a Python literal.

use tfjs_artifacts::{Error, ErrorKind};

use crate::element_type::ElementType;

/// The longest beginning of a file that a header is looked for in; NumPy itself reads headers of up to 10,000 bytes.
pub(super) const LONGEST: u64 = 64 * 1024;

const MAGIC: &[u8] = b"\x93NUMPY";

/// What a header says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The type as NumPy spells it.
    pub(super) spelled: String,
    /// The type, if anything can become of it.
    pub(super) dtype: Option<ElementType>,
    pub(super) is_big_endian: bool,
    /// Whether the first dimension runs fastest.
    pub(super) is_fortran: bool,
    pub(super) shape: Vec<u64>,
    /// Where the numbers begin.
    pub(super) length: u64,
}

/// Why bytes are no header.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoHeader(&'static str);

impl From<NoHeader> for Error {
    fn from(error: NoHeader) -> Self {
        Self::new(ErrorKind::InvalidData, format!("it is no .npy file: {}", error.0))
    }
}

/// Reads the header at the beginning of these bytes.
pub(super) fn parse(bytes: &[u8]) -> Result<Header, NoHeader> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(NoHeader("it does not begin as one"))?;
    let (version, rest) = rest.split_first_chunk::<2>().ok_or(NoHeader("it ends in the header"))?;
    let (length, rest, prefix) = match version {
        [1, 0] => {
            let (length, rest) = rest.split_first_chunk::<2>().ok_or(NoHeader("it ends in the header"))?;
            (usize::from(u16::from_le_bytes(*length)), rest, 10)
        }
        [2 | 3, 0] => {
            let (length, rest) = rest.split_first_chunk::<4>().ok_or(NoHeader("it ends in the header"))?;
            (usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX), rest, 12)
        }
        _ => return Err(NoHeader("its version is neither 1.0, 2.0 nor 3.0")),
    };
    let text = rest.get(..length).ok_or(NoHeader("its header is longer than the file, or than any"))?;
    let text = std::str::from_utf8(text).map_err(|_| NoHeader("its header is no text"))?;
    let mut literal = Literal { rest: text };
    let (spelled, is_fortran, shape) = literal.dict()?;
    let (dtype, is_big_endian) = dtype_of(&spelled);
    Ok(Header { spelled, dtype, is_big_endian, is_fortran, shape, length: (prefix + length) as u64 })
}

/// The type of a `descr`, and whether its bytes are the other way round.
fn dtype_of(descr: &str) -> (Option<ElementType>, bool) {
    let Some(order @ ('<' | '>' | '|' | '=')) = descr.chars().next() else { return (None, false) };
    let dtype = match descr.get(1..).unwrap_or_default() {
        "f4" => ElementType::F32,
        "f2" => ElementType::F16,
        "f8" => ElementType::F64,
        "i1" => ElementType::I8,
        "i2" => ElementType::I16,
        "i4" => ElementType::I32,
        "i8" => ElementType::I64,
        "u1" => ElementType::U8,
        "u2" => ElementType::U16,
        "u4" => ElementType::U32,
        "u8" => ElementType::U64,
        "c8" => ElementType::C64,
        "b1" => ElementType::Bool,
        _ => return (None, false),
    };
    // Without a byte order there are only types of one byte; `=` is the order of an unknown machine.
    let is_told = matches!(order, '<' | '>') || dtype.size() == 1;
    (is_told.then_some(dtype), order == '>' && dtype.size() > 1)
}

/// How NumPy spells a type.
fn descr(dtype: ElementType) -> &'static str {
    match dtype {
        ElementType::F32 => "<f4",
        ElementType::F16 => "<f2",
        ElementType::F64 => "<f8",
        ElementType::I8 => "|i1",
        ElementType::I16 => "<i2",
        ElementType::I32 => "<i4",
        ElementType::I64 => "<i8",
        ElementType::U8 => "|u1",
        ElementType::U16 | ElementType::BF16 => "<u2",
        ElementType::U32 => "<u4",
        ElementType::U64 => "<u8",
        ElementType::C64 => "<c8",
        ElementType::Bool => "|b1",
    }
}

/// The bytes of so many numbers; `None` if they are more than there are numbers for.
pub(super) fn bytes_of(dtype: ElementType, shape: &[u64]) -> Option<u64> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(dtype.size(), |product, dim| product.checked_mul(*dim))
}

/// The header of an array, row-major, as NumPy writes it: its length is a multiple of 64.
pub(super) fn encode(dtype: ElementType, shape: &[u64]) -> Vec<u8> {
    let dims: Vec<_> = shape.iter().map(u64::to_string).collect();
    let mut dims = dims.join(", ");
    if shape.len() == 1 {
        dims.push(',');
    }
    let text = format!("{{'descr': '{}', 'fortran_order': False, 'shape': ({dims}), }}", descr(dtype));
    // The rest is spaces and a line feed.
    let is_short = text.len() + 11 <= usize::from(u16::MAX) - 64;
    let prefix = if is_short { 10 } else { 12 };
    let total = (prefix + text.len() + 1).next_multiple_of(64);
    let length = total - prefix;
    let mut header = MAGIC.to_vec();
    if is_short {
        header.extend_from_slice(&[1, 0]);
        header.extend_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes());
    } else {
        header.extend_from_slice(&[2, 0]);
        header.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    }
    header.extend_from_slice(text.as_bytes());
    header.resize(total - 1, b' ');
    header.push(b'\n');
    header
}

/// What is left of a Python literal, of which only what NumPy writes is understood.
struct Literal<'t> {
    rest: &'t str,
}

impl<'t> Literal<'t> {
    /// `descr`, `fortran_order` and `shape`, each exactly once.
    fn dict(&mut self) -> Result<(String, bool, Vec<u64>), NoHeader> {
        let (mut descr, mut is_fortran, mut shape) = (None, None, None);
        self.expect("{")?;
        while !self.has("}") {
            let key = self.string()?;
            self.expect(":")?;
            let is_new = match key {
                "descr" => descr.replace(self.descr()?).is_none(),
                "fortran_order" => is_fortran.replace(self.bool()?).is_none(),
                "shape" => shape.replace(self.tuple()?).is_none(),
                _ => return Err(NoHeader("its header has a key that headers have not")),
            };
            if !is_new {
                return Err(NoHeader("its header has a key twice"));
            }
            if !self.has(",") {
                self.expect("}")?;
                break;
            }
        }
        if !self.rest.trim().is_empty() {
            return Err(NoHeader("something follows its header"));
        }
        match (descr, is_fortran, shape) {
            (Some(descr), Some(is_fortran), Some(shape)) => Ok((descr, is_fortran, shape)),
            _ => Err(NoHeader("its header has not all of `descr`, `fortran_order` and `shape`")),
        }
    }

    /// Whether this is next; it is taken if it is.
    fn has(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &'static str) -> Result<(), NoHeader> {
        if self.has(token) { Ok(()) } else { Err(NoHeader("its header is not what NumPy writes")) }
    }

    fn string(&mut self) -> Result<&'t str, NoHeader> {
        let quote = if self.has("'") { '\'' } else { self.expect("\"").map(|()| '"')? };
        let (text, rest) = self.rest.split_once(quote).ok_or(NoHeader("a string in its header does not end"))?;
        if text.contains('\\') {
            return Err(NoHeader("a string in its header has an escape"));
        }
        self.rest = rest;
        Ok(text)
    }

    /// A type: a string, or the list of the fields of a record, of which only is kept that it is one.
    fn descr(&mut self) -> Result<String, NoHeader> {
        self.rest = self.rest.trim_start();
        if !self.rest.starts_with('[') {
            return Ok(self.string()?.escape_debug().to_string());
        }
        let mut depth = 0usize;
        for (at, byte) in self.rest.bytes().enumerate() {
            match byte {
                b'[' => depth += 1,
                b']' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.rest = self.rest.get(at + 1..).unwrap_or_default();
                return Ok("records".to_owned());
            }
        }
        Err(NoHeader("a list in its header does not end"))
    }

    fn bool(&mut self) -> Result<bool, NoHeader> {
        if self.has("True") { Ok(true) } else { self.expect("False").map(|()| false) }
    }

    fn tuple(&mut self) -> Result<Vec<u64>, NoHeader> {
        let mut numbers = Vec::new();
        self.expect("(")?;
        while !self.has(")") {
            let digits = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
            let (number, rest) = self.rest.split_at(digits);
            numbers.push(number.parse().map_err(|_| NoHeader("its shape has something else than dimensions"))?);
            // What Python 2 wrote behind long numbers.
            self.rest = rest.strip_prefix('L').unwrap_or(rest);
            if !self.has(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> Result<Header, NoHeader> {
        let length = u16::try_from(text.len()).unwrap().to_le_bytes();
        parse(&[MAGIC, &[1, 0], &length, text.as_bytes()].concat())
    }

    #[test]
    fn what_is_written_is_read() {
        for shape in [&[][..], &[3], &[2, 3], &[0, 7, 1]] {
            let written = encode(ElementType::F32, shape);
            assert!(written.len().is_multiple_of(64));
            let read = parse(&written).unwrap();
            assert_eq!((read.shape.as_slice(), read.dtype), (shape, Some(ElementType::F32)));
            assert_eq!((read.is_fortran, read.is_big_endian, read.length), (false, false, written.len() as u64));
        }
        let text = String::from_utf8(encode(ElementType::Bool, &[3]).split_off(10)).unwrap();
        assert_eq!(text.trim_end(), "{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }");
        assert!(parse(&encode(ElementType::U8, &vec![1; 40_000])).is_ok(), "a header of version 2");
    }

    #[test]
    fn other_spellings() {
        let read = header(r#" {"shape":(2L, 3L),'fortran_order':True , 'descr':'>c8'} "#).unwrap();
        assert_eq!((read.dtype, read.is_fortran, read.is_big_endian), (Some(ElementType::C64), true, true));
        let dtype =
            |descr: &str| header(&format!("{{'descr': {descr}, 'fortran_order': False, 'shape': ()}}")).unwrap();
        for none in [
            "'<U5'",
            "'|O'",
            "'|S3'",
            "'<M8[ns]'",
            "'=f4'",
            "'|f4'",
            "'<f'",
            "''",
            "[('a', '<f4'), ('b', [('c', '|u1')])]",
        ] {
            assert_eq!(dtype(none).dtype, None, "{none}");
        }
    }

    #[test]
    fn what_is_no_header() {
        for bad in [
            "",
            "{}",
            "{'descr': '<f4'}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}",
            "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1.5,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': 3}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
            "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
            "{'descr': [[[, 'fortran_order': 0, 'shape': (1,)}",
            "{'descr': '<\\x664', 'fortran_order': False, 'shape': (1,)}",
        ] {
            assert!(header(bad).is_err(), "{bad}");
        }
        assert!(parse(b"\x93NUMPY\x01\x00\xff\xff{").is_err());
        assert!(parse(b"\x93NUMPY\x09\x00\x00\x00").is_err());
        assert!(parse(b"PK").is_err());
    }
}

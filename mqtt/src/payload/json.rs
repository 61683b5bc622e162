//! A strict JSON scanner (RFC 8259) that is pulled: borrowed strings, exact doubles, a byte position for every
//! refusal, a bound on nesting and no tree. A library's reader hides positions, repeated keys and decimals.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{MAX_DEPTH, Malformed, What};

pub(super) type Read<T> = Result<T, Malformed>;

/// A number, with its own text for those who need its decimals.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number<'a> {
    pub text: &'a str,
    pub value: f64,
    pub at: usize,
}

/// Where the reading stands. A copy is a bookmark.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: u8,
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// The next byte that is not white space, left in place; 0 at the end.
    pub(super) fn peek(&mut self) -> u8 {
        while matches!(self.byte(), b' ' | b'\n' | b'\r' | b'\t') && self.at < self.text.len() {
            self.at += 1;
        }
        self.byte()
    }

    /// The offset of the next token.
    pub(super) fn place(&mut self) -> usize {
        self.peek();
        self.at
    }

    pub(super) const fn refuse<T>(&self, what: What) -> Read<T> {
        Err(Malformed::byte(self.at, what))
    }

    /// Nothing but white space follows.
    pub(super) fn end(&mut self) -> Read<()> {
        self.peek();
        if self.at == self.text.len() { Ok(()) } else { self.refuse(What::Trailing) }
    }

    /// Opens an object or an array.
    pub(super) fn open(&mut self, bracket: u8, expected: &'static str) -> Read<()> {
        self.opens(bracket, expected)?;
        if self.depth == MAX_DEPTH {
            return self.refuse(What::TooDeep);
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Whether this bracket stands next; it is left in place.
    pub(super) fn opens(&mut self, bracket: u8, expected: &'static str) -> Read<()> {
        if self.peek() == bracket { Ok(()) } else { self.refuse(What::Expected(expected)) }
    }

    /// Whether another member follows; takes the comma, or the closing bracket.
    pub(super) fn more(&mut self, first: &mut bool, close: u8) -> Read<bool> {
        let next = self.peek();
        if next == close {
            self.at += 1;
            self.depth = self.depth.saturating_sub(1);
            return Ok(false);
        }
        if std::mem::replace(first, false) {
            return Ok(true);
        }
        if next != b',' {
            return self.refuse(What::Expected(if close == b'}' { "`,` or `}`" } else { "`,` or `]`" }));
        }
        self.at += 1;
        if self.peek() == close { self.refuse(What::Expected("a member after `,`")) } else { Ok(true) }
    }

    /// The next key with its offset, the colon taken; `None` at the end of the object.
    pub(super) fn key(&mut self, first: &mut bool) -> Read<Option<(Cow<'a, str>, usize)>> {
        if !self.more(first, b'}')? {
            return Ok(None);
        }
        let at = self.place();
        let key = self.string("a key")?;
        if self.peek() != b':' {
            return self.refuse(What::Expected("`:`"));
        }
        self.at += 1;
        Ok(Some((key, at)))
    }

    /// Every member of an object; a repeated key is refused where it stands.
    pub(super) fn object(&mut self, mut each: impl FnMut(&mut Self, &str) -> Read<()>) -> Read<()> {
        self.open(b'{', "an object")?;
        let (mut first, mut keys) = (true, Keys::default());
        while let Some((key, at)) = self.key(&mut first)? {
            let key = keys.add(key).ok_or(Malformed::byte(at, What::DuplicateKey))?;
            each(self, key)?;
        }
        Ok(())
    }

    /// Every element of an array.
    pub(super) fn array(&mut self, mut each: impl FnMut(&mut Self) -> Read<()>) -> Read<()> {
        self.open(b'[', "an array")?;
        let mut first = true;
        while self.more(&mut first, b']')? {
            each(self)?;
        }
        Ok(())
    }

    /// A string; borrowed unless it holds an escape.
    pub(super) fn string(&mut self, expected: &'static str) -> Read<Cow<'a, str>> {
        if self.peek() != b'"' {
            return self.refuse(What::Expected(expected));
        }
        self.at += 1;
        let (start, mut owned) = (self.at, None::<String>);
        let mut run = start;
        loop {
            match self.byte() {
                b'"' => {
                    let last = self.between(run, self.at);
                    self.at += 1;
                    return Ok(match owned {
                        None => Cow::Borrowed(last),
                        Some(text) => Cow::Owned(text + last),
                    });
                }
                b'\\' => {
                    let text = owned.get_or_insert_default();
                    text.push_str(self.between(run, self.at));
                    self.at += 1;
                    text.push(self.escape()?);
                    run = self.at;
                }
                0..0x20 => return self.refuse(What::Expected("the end of a string")),
                _ => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Read<char> {
        let plain = match self.byte() {
            b'u' => {
                self.at += 1;
                return self.unicode();
            }
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            c @ (b'"' | b'\\' | b'/') => char::from(c),
            _ => return self.refuse(What::Expected("an escape")),
        };
        self.at += 1;
        Ok(plain)
    }

    /// `\uXXXX`, or a pair of surrogates; half of a pair is refused.
    fn unicode(&mut self) -> Read<char> {
        let start = self.at;
        let refuse = || Malformed::byte(start, What::Expected("a Unicode escape"));
        let high = self.hex().ok_or_else(refuse)?;
        if !(0xd800..0xdc00).contains(&high) {
            return char::from_u32(high).ok_or_else(refuse);
        }
        if self.text.get(self.at..self.at + 2) != Some("\\u") {
            return Err(refuse());
        }
        self.at += 2;
        let low = self.hex().filter(|low| (0xdc00..0xe000).contains(low)).ok_or_else(refuse)?;
        char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)).ok_or_else(refuse)
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
    }

    /// A number in JSON's grammar that a finite double holds.
    pub(super) fn number(&mut self) -> Read<Number<'a>> {
        let at = self.place();
        match self.byte() {
            b'-' | b'0'..=b'9' => {}
            b'+' | b'.' | b'N' | b'I' => return self.refuse(What::NumberForm),
            _ => return self.refuse(What::Expected("a number")),
        }
        self.take(b"-");
        let whole = self.digits();
        let leading_zero = whole > 1 && self.text.as_bytes().get(self.at - whole) == Some(&b'0');
        let fraction = self.take(b".").then(|| self.digits());
        let exponent = self.take(b"eE").then(|| {
            self.take(b"+-");
            self.digits()
        });
        if whole == 0 || leading_zero || fraction == Some(0) || exponent == Some(0) {
            return Err(Malformed::byte(at, What::NumberForm));
        }
        let text = self.between(at, self.at);
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Number { text, value, at }),
            _ => Err(Malformed::byte(at, What::NumberRange)),
        }
    }

    /// Takes one byte if it is one of `any`.
    fn take(&mut self, any: &[u8]) -> bool {
        let taken = any.contains(&self.byte());
        self.at += usize::from(taken);
        taken
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.byte().is_ascii_digit() {
            self.at += 1;
        }
        self.at - start
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self) -> Read<bool> {
        let value = self.peek() == b't';
        self.word(if value { "true" } else { "false" }, "a boolean")?;
        Ok(value)
    }

    fn word(&mut self, word: &str, expected: &'static str) -> Read<()> {
        if !self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return self.refuse(What::Expected(expected));
        }
        self.at += word.len();
        Ok(())
    }

    /// Reads one value that may be faulty by itself. The inner error is its own fault, and the scanner stands behind
    /// it either way; the outer one is a fault of the document, which is over.
    pub(super) fn attempt<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<Read<T>> {
        let before = *self;
        match read(self) {
            Err(fault) if fault.quota().is_none() => {
                *self = before;
                self.pass().map_err(|broken| if broken.at == fault.at { fault } else { broken })?;
                Ok(Err(fault))
            }
            read => read.map(Ok),
        }
    }

    /// Passes over one value and holds it to the grammar alone, however deep it is nested.
    pub(super) fn pass(&mut self) -> Read<()> {
        let (depth, mut open) = (self.depth, Vec::new());
        loop {
            let close = match self.peek() {
                b'{' => Some(b'}'),
                b'[' => Some(b']'),
                _ => None,
            };
            let mut first = close.is_some();
            match close {
                Some(close) => {
                    self.at += 1;
                    open.push(close);
                }
                None => self.pass_scalar()?,
            }
            loop {
                let Some(close) = open.last().copied() else {
                    self.depth = depth;
                    return Ok(());
                };
                if self.more(&mut first, close)? {
                    if close == b'}' {
                        self.pass_key()?;
                    }
                    break;
                }
                open.pop();
                first = false;
            }
        }
    }

    fn pass_key(&mut self) -> Read<()> {
        if self.peek() != b'"' {
            return self.refuse(What::Expected("a key"));
        }
        self.pass_string()?;
        if self.peek() != b':' {
            return self.refuse(What::Expected("`:`"));
        }
        self.at += 1;
        Ok(())
    }

    fn pass_scalar(&mut self) -> Read<()> {
        match self.peek() {
            b'"' => self.pass_string(),
            b'-' | b'0'..=b'9' => match self.number() {
                // The grammar knows no largest number.
                Err(fault) if fault.what != What::NumberRange => Err(fault),
                _ => Ok(()),
            },
            _ => self.skip(),
        }
    }

    /// A string by the grammar, which also allows halves of surrogate pairs.
    fn pass_string(&mut self) -> Read<()> {
        self.at += 1;
        loop {
            match self.byte() {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => {
                    self.at += 1;
                    if self.take(b"u") {
                        let start = self.at;
                        self.hex().ok_or(Malformed::byte(start, What::Expected("a Unicode escape")))?;
                    } else if !self.take(b"\"\\/bfnrt") {
                        return self.refuse(What::Expected("an escape"));
                    }
                }
                0..0x20 => return self.refuse(What::Expected("the end of a string")),
                _ => self.at += 1,
            }
        }
    }

    /// Passes over one value of any kind, still holding it to the rules of a record.
    pub(super) fn skip(&mut self) -> Read<()> {
        match self.peek() {
            b'{' => self.object(|scanner, _key| scanner.skip()),
            b'[' => self.array(Self::skip),
            b'"' => self.string("a string").map(drop),
            b't' | b'f' => self.boolean().map(drop),
            b'n' => self.word("null", "null"),
            b'-' | b'+' | b'.' | b'0'..=b'9' | b'N' | b'I' => self.number().map(drop),
            _ => self.refuse(What::Expected("a value")),
        }
    }

    fn byte(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    fn between(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }
}

/// The keys of one object so far: a short list, then a set.
#[derive(Default)]
pub(super) struct Keys<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>>,
}

impl<'a> Keys<'a> {
    const FEW: usize = 16;

    /// The key, recorded; `None` when it was there already.
    pub(super) fn add(&mut self, key: Cow<'a, str>) -> Option<&str> {
        if self.few.contains(&key) || self.many.contains(&key) {
            return None;
        }
        if self.few.len() < Self::FEW {
            self.few.push(key);
            return self.few.last().map(AsRef::as_ref);
        }
        self.many.insert(key.clone());
        self.many.get(&key).map(AsRef::as_ref)
    }
}

//! The body of a form with files (`multipart/form-data`, RFC 7578).

use std::fmt::Write as _;

/// A form that is being written.
pub(super) struct Form {
    boundary: String,
    body: Vec<u8>,
}

impl Form {
    /// An empty one.
    pub(super) fn new() -> Self {
        Self {
            boundary: new_boundary(),
            body: Vec::new(),
        }
    }

    /// Adds a part; `kind` is the type of its content.
    pub(super) fn part(
        &mut self,
        name: &str,
        filename: Option<&str>,
        kind: Option<&str>,
        content: &[u8],
    ) {
        let filename = filename.map(|name| format!("; filename=\"{}\"", quoted(name)));
        let kind = kind.map(|kind| format!("\r\nContent-Type: {kind}"));
        let head = format!(
            "--{}\r\nContent-Disposition: form-data; name=\"{}\"{}{}",
            self.boundary,
            quoted(name),
            filename.unwrap_or_default(),
            kind.unwrap_or_default()
        );
        self.body.reserve(head.len() + content.len() + 64);
        self.body.extend_from_slice(head.as_bytes());
        self.body.extend_from_slice(b"\r\n\r\n");
        self.body.extend_from_slice(content);
        self.body.extend_from_slice(b"\r\n");
    }

    /// The type of the whole, and the whole.
    pub(super) fn finish(mut self) -> (String, Vec<u8>) {
        let end = format!("--{}--\r\n", self.boundary);
        self.body.extend_from_slice(end.as_bytes());
        let kind = format!("multipart/form-data; boundary={}", self.boundary);
        (kind, self.body)
    }
}

/// A name as it stands between quotation marks.
fn quoted(name: &str) -> String {
    let mut quoted = String::with_capacity(name.len());
    for character in name.chars() {
        if matches!(character, '\\' | '"' | '\r' | '\n') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted
}

/// A line that occurs in no content: nobody who writes one can know it.
fn new_boundary() -> String {
    let mut random = [0; 16];
    // Without randomness the clock is hard enough to guess.
    if getrandom::fill(&mut random).is_err() {
        random = crate::clock::Clock::system().now().as_nanos().to_le_bytes();
    }
    let mut boundary = String::with_capacity(2 * random.len());
    for byte in random {
        let _always = write!(boundary, "{byte:02x}");
    }
    boundary
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_apart_by_the_boundary() {
        let mut form = Form::new();
        form.part("name", None, None, b"wave");
        form.part(
            "files[0]",
            Some("a \"b\".png"),
            Some("image/png"),
            &[0, 0xFF],
        );
        let (kind, body) = form.finish();
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
        let expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nwave\r\n--{boundary}\r\n\
             Content-Disposition: form-data; name=\"files[0]\"; filename=\"a \\\"b\\\".png\"\r\n\
             Content-Type: image/png\r\n\r\n"
        );
        let end = format!("\r\n--{boundary}--\r\n");
        assert_eq!(
            body,
            [expected.as_bytes(), &[0, 0xFF], end.as_bytes()].concat()
        );
        assert_ne!(Form::new().boundary, boundary);
    }
}

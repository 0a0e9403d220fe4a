//! The form of a webhook request, from either of its content types.

use super::transfer;
use crate::error::{Code, Error, Result};
use bytes::Bytes;
use std::convert::Infallible;

/// The form of a request, with its values as bytes: a raw mail in it need not be UTF-8.
#[derive(Debug, Default)]
pub(crate) struct Form {
    pub(super) fields: Vec<(String, Vec<u8>)>,
    pub(super) files: Vec<Upload>,
}

/// A file of the form.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) field: String,
    pub(super) name: Option<String>,
    pub(super) mime: String,
    pub(super) data: Vec<u8>,
}

impl Form {
    /// Reads a body: multipart if it has a boundary, else URL-encoded.
    pub(crate) async fn read(body: &[u8], boundary: Option<String>) -> Result<Self> {
        let Some(boundary) = boundary else {
            return Ok(Self::urlencoded(body));
        };
        let broken = |_| Error::new(Code::MalformedForm);
        let whole = futures_util::stream::iter([Ok::<_, Infallible>(Bytes::copy_from_slice(body))]);
        let mut multipart = multer::Multipart::new(whole, boundary);
        let mut form = Self::default();
        while let Some(field) = multipart.next_field().await.map_err(broken)? {
            let name = field.name().unwrap_or_default().to_owned();
            let file_name = field.file_name().map(str::to_owned);
            let mime = field.content_type().map(ToString::to_string);
            let data = field.bytes().await.map_err(broken)?;
            form.push(name, file_name, mime, data.to_vec());
        }
        Ok(form)
    }

    /// Reads `application/x-www-form-urlencoded`.
    pub(crate) fn urlencoded(body: &[u8]) -> Self {
        let plain = |text: &[u8]| {
            let spaced: Vec<u8> = text
                .iter()
                .map(|byte| if *byte == b'+' { b' ' } else { *byte })
                .collect();
            transfer::percent(&spaced)
        };
        let fields = body
            .split(|byte| *byte == b'&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let equals = pair
                    .iter()
                    .position(|byte| *byte == b'=')
                    .unwrap_or(pair.len());
                let value = pair.get(equals + 1..).unwrap_or_default();
                (
                    String::from_utf8_lossy(&plain(&pair[..equals])).into_owned(),
                    plain(value),
                )
            })
            .collect();
        Self {
            fields,
            files: Vec::new(),
        }
    }

    /// Adds a part of `multipart/form-data`. An attachment is known by its field, for its name may be empty.
    pub(crate) fn push(
        &mut self,
        field: String,
        file_name: Option<String>,
        mime: Option<String>,
        data: Vec<u8>,
    ) {
        if is_attachment(&field) {
            let mime = mime.unwrap_or_else(|| "application/octet-stream".to_owned());
            self.files.push(Upload {
                field,
                name: file_name,
                mime,
                data,
            });
        } else {
            self.fields.push((field, data));
        }
    }

    /// The last field of that name: whoever puts a second one in front changes neither what is checked nor what is used.
    pub(super) fn last(&self, name: &str) -> Option<&[u8]> {
        self.fields
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_slice())
    }

    /// That field as text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.last(name)
            .map(|value| String::from_utf8_lossy(value).into_owned())
    }
}

/// Whether a field holds an attachment: Mailgun calls them `attachment-1`, SendGrid `attachment1`.
fn is_attachment(field: &str) -> bool {
    field.strip_prefix("attachment").is_some_and(|rest| {
        let number = rest.strip_prefix('-').unwrap_or(rest);
        !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_to_bytes_and_the_last_of_a_name_counts() {
        let form = Form::urlencoded(b"a=1+2&b=%FF%2B&a=%D0%B6&&empty=&alone");
        assert_eq!(form.text("a").as_deref(), Some("ж"));
        assert_eq!(form.last("b"), Some(&b"\xFF+"[..]));
        assert_eq!(
            (form.last("empty"), form.last("alone"), form.last("A")),
            (Some(&b""[..]), Some(&b""[..]), None)
        );
    }

    #[test]
    fn files_are_known_by_their_field() {
        let mut form = Form::default();
        form.push("attachment-1".to_owned(), None, None, vec![1]);
        form.push("attachment-count".to_owned(), None, None, b"1".to_vec());
        assert_eq!(
            (form.files.len(), form.files[0].mime.as_str()),
            (1, "application/octet-stream")
        );
        assert_eq!(form.text("attachment-count").as_deref(), Some("1"));
        assert!(is_attachment("attachment12") && !is_attachment("attachments"));
        assert!(!is_attachment("attachment-info") && !is_attachment("attachment-"));
    }
}

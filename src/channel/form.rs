//! Reads the form of a provider's webhook into memory, values as bytes: not everything in it need be UTF-8.
use super::email::mailgun::Form;
use crate::error::{Code, Error, Result};
use bytes::Bytes;
use std::convert::Infallible;

/// Reads a form: multipart if it has a boundary, else URL-encoded.
pub(crate) async fn read(body: &[u8], boundary: Option<String>) -> Result<Form> {
    let Some(boundary) = boundary else {
        return Ok(Form::urlencoded(body));
    };
    let broken = |_| Error::new(Code::MalformedForm);
    let whole = futures_util::stream::iter([Ok::<_, Infallible>(Bytes::copy_from_slice(body))]);
    let mut multipart = multer::Multipart::new(whole, boundary);
    let mut form = Form::default();
    while let Some(field) = multipart.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        let mime = field.content_type().map(ToString::to_string);
        let data = field.bytes().await.map_err(broken)?;
        form.push(name, file_name, mime, data.to_vec());
    }
    Ok(form)
}

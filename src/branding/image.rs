//! The pictures of a tenant's pages: a logo and the sign in a browser's tab. Only raster pictures of a modest size are
//! taken, whatever a file is called: a drawing could bring scripts along. They are public and known by their hash.
use crate::{
    api::field::TenantId,
    db::sql::{all, first, run},
    error::{Error, Fault, Result},
};
use data_encoding::BASE64;
use imagesize::ImageType;
use rusqlite::Connection;

/// Which picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Logo,
    Favicon,
}

impl Kind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Kind::Logo => "logo",
            Kind::Favicon => "favicon",
        }
    }
}

/// The largest file, in bytes.
const BYTES: usize = 512 << 10;
/// The largest width and height, in pixels.
const PIXELS: usize = 2048;

/// A picture that may be shown.
#[derive(Debug)]
pub(crate) struct Image {
    mime: &'static str,
    bytes: Vec<u8>,
}

/// The path at which a picture is fetched.
const PATH: &str = "/brand/";

fn address(hash: &str) -> String {
    format!("{PATH}{hash}")
}

/// Whether a value is the address of a picture that we gave, and not a picture.
pub(crate) fn is_address(value: &str) -> bool {
    value.starts_with(PATH)
}

/// Reads a `data:` URL. What the URL says of its type is not believed; the bytes are looked at.
pub(crate) fn read(url: &str, field: &'static str) -> Result<Image> {
    let refused = || Error::invalid(field, Fault::NotImage);
    let encoded = url
        .strip_prefix("data:image/")
        .and_then(|rest| rest.split_once(";base64,"))
        .map(|(_, encoded)| encoded)
        .ok_or_else(refused)?;
    let bytes = BASE64.decode(encoded.as_bytes()).map_err(|_| refused())?;
    let mime = match imagesize::image_type(&bytes).map_err(|_| refused())? {
        ImageType::Png => "image/png",
        ImageType::Jpeg => "image/jpeg",
        ImageType::Gif => "image/gif",
        ImageType::Webp => "image/webp",
        ImageType::Ico => "image/x-icon",
        _ => return Err(refused()),
    };
    let size = imagesize::blob_size(&bytes).map_err(|_| refused())?;
    let fits = |pixels: usize| (1..=PIXELS).contains(&pixels);
    if bytes.len() > BYTES || !fits(size.width) || !fits(size.height) {
        return Err(refused());
    }
    Ok(Image { mime, bytes })
}

/// Puts a picture in the place of the one that was there.
pub(crate) fn save(conn: &Connection, tenant: TenantId, kind: Kind, image: &Image) -> Result<()> {
    let hash = blake3::hash(&image.bytes).to_hex();
    run(
        conn,
        "insert into brand_image (tenant_id, kind, hash, mime, bytes) values (?1, ?2, ?3, ?4, ?5)
         on conflict (tenant_id, kind) do update set hash = excluded.hash, mime = excluded.mime, bytes = excluded.bytes",
        (tenant, kind.as_str(), hash.as_str(), image.mime, &image.bytes),
    )?;
    Ok(())
}

pub(crate) fn delete(conn: &Connection, tenant: TenantId, kind: Kind) -> Result<()> {
    run(
        conn,
        "delete from brand_image where tenant_id = ?1 and kind = ?2",
        (tenant, kind.as_str()),
    )?;
    Ok(())
}

/// Where a tenant's pictures are.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    pub(crate) logo: Option<String>,
    pub(crate) favicon: Option<String>,
}

pub(crate) fn of(conn: &Connection, tenant: TenantId) -> Result<Addresses> {
    let found: Vec<(String, String)> = all(
        conn,
        "select kind, hash from brand_image where tenant_id = ?1",
        [tenant],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let place = |kind: Kind| {
        let of_kind = found.iter().find(|(known, _)| known == kind.as_str());
        of_kind.map(|(_, hash)| address(hash))
    };
    Ok(Addresses {
        logo: place(Kind::Logo),
        favicon: place(Kind::Favicon),
    })
}

/// The picture of a hash: its type and its bytes. Those of a tenant that is switched off are not shown.
pub(crate) fn by_hash(conn: &Connection, hash: &str) -> Result<Option<(String, Vec<u8>)>> {
    first(
        conn,
        "select i.mime, i.bytes
           from brand_image i
           join tenant t on t.id = i.tenant_id and t.is_active
          where i.hash = ?1
          limit 1",
        [hash],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(bytes: &[u8]) -> String {
        format!("data:image/png;base64,{}", BASE64.encode(bytes))
    }

    /// The head of a PNG of this size.
    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
        bytes
    }

    #[test]
    fn a_raster_picture_of_a_modest_size_is_taken() {
        let image = read(&url(&png(64, 32)), "logo").unwrap();
        assert_eq!(image.mime, "image/png");
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        let heavy = [png(64, 32), vec![0; BYTES]].concat();
        for bad in [
            url(b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>"),
            url(b"GIF"),
            url(&png(4096, 32)),
            url(&png(0, 32)),
            url(&heavy),
            "data:image/png;base64,???".to_owned(),
            "https://elsewhere.example/logo.png".to_owned(),
            "data:text/html;base64,PGI+".to_owned(),
        ] {
            let error = read(&bad, "favicon").unwrap_err();
            assert_eq!(
                error.field(),
                Some("favicon"),
                "{}",
                &bad[..40.min(bad.len())]
            );
        }
    }
}

//! An authority for a network without the internet: a root that the machines of the network are told to trust, and a
//! certificate of it for the server. Both lie in a folder of the data directory.
use crate::{
    clock::{DAY, Millis},
    error::{Error, Result},
    private_file::put,
};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use std::{
    fs::{self, DirBuilder, File},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};
use time::OffsetDateTime;

/// How long a root is good for: nobody goes round all machines often.
const ROOT_LIFE: Millis = 3650 * DAY;
/// How long a server's certificate is good for; browsers take none of a longer life from a root of a user's own beyond 825
/// days (Apple, "Requirements for trusted certificates in iOS 13 and macOS 10.15").
const LEAF_LIFE: Millis = 820 * DAY;
/// How far back a certificate begins, for machines whose clock is late.
const EARLIER: Millis = DAY;

/// The files of an authority.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) root: PathBuf,
    root_key: PathBuf,
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

impl Files {
    pub(crate) fn below(data_dir: &Path) -> Files {
        let dir = data_dir.join("tls");
        Files {
            root: dir.join("root.pem"),
            root_key: dir.join("root.key"),
            cert: dir.join("cert.pem"),
            key: dir.join("key.pem"),
        }
    }
}

/// Makes a certificate for `names` (host names and addresses), and the root it is of unless there is one already: machines
/// that trust the root trust every later certificate too.
pub(crate) fn issue(
    data_dir: &Path,
    company: &str,
    names: &[String],
    now: Millis,
) -> Result<Files> {
    let files = Files::below(data_dir);
    let dir = files.root.parent().unwrap_or(data_dir);
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    if !files.root.exists() || !files.root_key.exists() {
        make_root(&files, company, now)?;
    }
    let root_key =
        KeyPair::from_pem(&fs::read_to_string(&files.root_key)?).map_err(Error::internal)?;
    let root = fs::read_to_string(&files.root)?;
    let issuer = Issuer::from_ca_cert_pem(&root, root_key).map_err(Error::internal)?;
    let mut params = CertificateParams::new(names).map_err(Error::internal)?;
    let first = names.first().map_or("tehprof", String::as_str);
    params.distinguished_name.push(DnType::CommonName, first);
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    (params.not_before, params.not_after) = life(now, LEAF_LIFE)?;
    let key = KeyPair::generate().map_err(Error::internal)?;
    let leaf = params.signed_by(&key, &issuer).map_err(Error::internal)?;
    put(&files.key, key.serialize_pem().as_bytes())?;
    put(&files.cert, format!("{}{root}", leaf.pem()).as_bytes())?;
    File::open(dir)?.sync_all()?;
    Ok(files)
}

fn make_root(files: &Files, company: &str, now: Millis) -> Result<()> {
    let mut params = CertificateParams::new(Vec::new()).map_err(Error::internal)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params
        .distinguished_name
        .push(DnType::OrganizationName, company);
    params
        .distinguished_name
        .push(DnType::CommonName, format!("{company}: tehprof"));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = life(now, ROOT_LIFE)?;
    let key = KeyPair::generate().map_err(Error::internal)?;
    let root = params.self_signed(&key).map_err(Error::internal)?;
    put(&files.root_key, key.serialize_pem().as_bytes())?;
    Ok(put(&files.root, root.pem().as_bytes())?)
}

fn life(now: Millis, long: Millis) -> Result<(OffsetDateTime, OffsetDateTime)> {
    let at = |ms: Millis| OffsetDateTime::from_unix_timestamp(ms / 1000).map_err(Error::internal);
    Ok((at(now - EARLIER)?, at(now + long)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tokio_rustls::rustls::{
        RootCertStore,
        client::{WebPkiServerVerifier, danger::ServerCertVerifier},
        crypto::ring,
        pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    };

    const NOW: Millis = 1_795_000_000_000;

    #[test]
    fn a_machine_that_trusts_the_root_trusts_every_certificate_of_it_for_its_names_alone() {
        let dir = std::env::temp_dir().join(format!("tehprof-ca-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let names = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect::<Vec<_>>();
        let files = issue(&dir, "ТОО «Сервис»", &names(&["desk.lan", "10.1.2.3"]), NOW).unwrap();
        let root = fs::read(&files.root).unwrap();
        let trusts = |files: &Files, name: &'static str| {
            let mut roots = RootCertStore::empty();
            roots
                .add(CertificateDer::from_pem_slice(&root).unwrap())
                .unwrap();
            let provider = Arc::new(ring::default_provider());
            let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider)
                .build()
                .unwrap();
            let leaf = CertificateDer::from_pem_file(&files.cert).unwrap();
            let now = UnixTime::since_unix_epoch(std::time::Duration::from_millis(
                u64::try_from(NOW).unwrap(),
            ));
            let name = ServerName::try_from(name).unwrap();
            verifier
                .verify_server_cert(&leaf, &[], &name, &[], now)
                .is_ok()
        };
        assert!(trusts(&files, "desk.lan") && trusts(&files, "10.1.2.3"));
        assert!(!trusts(&files, "other.lan"));
        let files = issue(&dir, "ТОО «Сервис»", &names(&["other.lan"]), NOW).unwrap();
        assert!(trusts(&files, "other.lan"), "the root has stayed");
        fs::remove_dir_all(&dir).unwrap();
    }
}

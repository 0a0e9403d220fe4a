//! Certificates of an authority that speaks ACME (RFC 8555), by default Let's Encrypt. The authority looks whether the names
//! are ours over the port that serves HTTPS (RFC 8737), so no other port is needed.
use super::{Certificates, Origin, certified};
use crate::{
    app::App,
    clock::{DAY, Millis},
    error::{Error, Result},
    outbound_http::{Bounds, OutboundHttp},
    private_file::put,
    reach::Reach,
};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, BodyWrapper, BytesResponse, ChallengeType,
    HttpClient, Identifier, NewAccount, NewOrder, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use std::{
    fs::{self, DirBuilder},
    future::Future,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    time::Duration,
};
use tokio_rustls::rustls::{
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    sign::CertifiedKey,
};

/// A certificate is renewed when it has less than this left.
const RENEW_BEFORE: Millis = 30 * DAY;
/// How long an authority is given to look at the names and to sign.
const PATIENCE: Duration = Duration::from_secs(90);

/// What certificate is wanted, and of whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The names it is for.
    pub names: Vec<String>,
    /// Where the authority writes to when something is the matter.
    pub email: Option<String>,
    /// The authority's directory.
    pub directory: String,
    /// The root to trust in place of the usual ones, for an authority of a company's own.
    pub root: Option<PathBuf>,
}

/// Where the certificate and its key are kept.
pub(super) fn kept(data_dir: &Path) -> (PathBuf, PathBuf) {
    let dir = data_dir.join("acme");
    (dir.join("cert.pem"), dir.join("key.pem"))
}

/// Gets a certificate if there is none, it is for other names or it ends soon, as a job of the clock. A failure leaves the one in use.
pub(crate) async fn renew(app: App) -> Result<()> {
    let Some(certificates) = app.certificates.clone() else {
        return Ok(());
    };
    let Origin::Acme(order) = &certificates.origin else {
        return Ok(());
    };
    let now = app.db.clock().now();
    if certificates
        .leaf()
        .is_some_and(|leaf| is_good(&leaf, order, now))
    {
        return Ok(());
    }
    tracing::info!(names = ?order.names, directory = order.directory, "asking for a certificate");
    obtain(&certificates, order, &app.config.data_dir)
        .await
        .map_err(|why| {
            Error::internal(format!(
                "no certificate from {}: {why}; it is tried again within the hour",
                order.directory
            ))
        })?;
    tracing::info!(names = ?order.names, "a certificate was given and is in use");
    Ok(())
}

/// Whether a certificate is for all names of the order and lasts.
fn is_good(leaf: &[u8], order: &Order, now: Millis) -> bool {
    let Ok((_, leaf)) = x509_parser::parse_x509_certificate(leaf) else {
        return false;
    };
    let lasts = leaf.validity().not_after.timestamp() * 1000 - now > RENEW_BEFORE;
    let names = leaf.subject_alternative_name().ok().flatten();
    let is_for = |wanted: &String| {
        names.as_ref().is_some_and(|names| {
            names.value.general_names.iter().any(|name| {
                matches!(name, x509_parser::extensions::GeneralName::DNSName(name) if name.eq_ignore_ascii_case(wanted))
            })
        })
    };
    lasts && order.names.iter().all(is_for)
}

async fn obtain(
    certificates: &Arc<Certificates>,
    order: &Order,
    data_dir: &Path,
) -> Result<(), String> {
    let told = |error: instant_acme::Error| error.to_string();
    let (cert_path, key_path) = kept(data_dir);
    let dir = data_dir.join("acme");
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&dir)
        .map_err(|error| error.to_string())?;
    let account = account(order, &dir.join("account.json")).await?;
    let names: Vec<Identifier> = order.names.iter().cloned().map(Identifier::Dns).collect();
    let mut placed = account
        .new_order(&NewOrder::new(&names))
        .await
        .map_err(told)?;
    let mut authorizations = placed.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(told)?;
        match authorization.status {
            AuthorizationStatus::Pending => {}
            AuthorizationStatus::Valid => continue,
            other => return Err(format!("the authority has marked a name as {other:?}")),
        }
        let mut challenge = authorization
            .challenge(ChallengeType::TlsAlpn01)
            .ok_or("the authority does not look by TLS-ALPN")?;
        let name = challenge.identifier().to_string();
        let digest = challenge.key_authorization();
        let shown = proof(&name, digest.digest().as_ref())?;
        certificates.challenge(&name, Some(shown));
        challenge.set_ready().await.map_err(told)?;
    }
    let patience = RetryPolicy::new().timeout(PATIENCE);
    let status = placed.poll_ready(&patience).await.map_err(told);
    for name in &order.names {
        certificates.challenge(name, None);
    }
    if status? != OrderStatus::Ready {
        return Err(
            "the authority could not see that the names are ours: they must lead to this server, and its HTTPS port must be reachable"
                .to_owned(),
        );
    }
    let key = KeyPair::generate().map_err(|error| error.to_string())?;
    let mut params =
        CertificateParams::new(order.names.clone()).map_err(|error| error.to_string())?;
    params.distinguished_name = DistinguishedName::new();
    let request = params
        .serialize_request(&key)
        .map_err(|error| error.to_string())?;
    placed.finalize_csr(request.der()).await.map_err(told)?;
    let chain = placed.poll_certificate(&patience).await.map_err(told)?;
    let key = key.serialize_pem();
    // What cannot be used must not take the place of what can.
    certified(chain.as_bytes(), key.as_bytes())?;
    put(&key_path, key.as_bytes())
        .and_then(|()| put(&cert_path, chain.as_bytes()))
        .map_err(|error| error.to_string())?;
    certificates
        .load(&cert_path, &key_path)
        .map_err(|error| error.to_string())
}

/// The account at the authority: the one that was made before, or a new one.
async fn account(order: &Order, path: &Path) -> Result<Account, String> {
    let told = |error: instant_acme::Error| error.to_string();
    let http = || -> Result<Box<dyn HttpClient>, String> {
        let client = match &order.root {
            Some(root) => OutboundHttp::trusting(root),
            None => OutboundHttp::new(),
        };
        Ok(Box::new(Wire(Arc::new(
            client.map_err(|error| error.to_string())?,
        ))))
    };
    if let Ok(text) = fs::read(path)
        && let Ok(Kept {
            directory,
            credentials,
        }) = serde_json::from_slice(&text)
        && directory == order.directory
    {
        return Account::builder_with_http(http()?)
            .from_credentials(credentials)
            .await
            .map_err(told);
    }
    let contact: Vec<String> = order.email.iter().map(|e| format!("mailto:{e}")).collect();
    let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
    let new = NewAccount {
        contact: &contact,
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let (account, credentials) = Account::builder_with_http(http()?)
        .create(&new, order.directory.clone(), None)
        .await
        .map_err(told)?;
    let kept = Kept {
        directory: order.directory.clone(),
        credentials,
    };
    let text = serde_json::to_string(&kept).map_err(|error| error.to_string())?;
    put(path, text.as_bytes()).map_err(|error| error.to_string())?;
    Ok(account)
}

/// An account as it is kept.
#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    directory: String,
    credentials: AccountCredentials,
}

/// The certificate by which an authority sees that a name is ours (RFC 8737, section 3).
fn proof(name: &str, digest: &[u8]) -> Result<Arc<CertifiedKey>, String> {
    let mut params =
        CertificateParams::new(vec![name.to_owned()]).map_err(|error| error.to_string())?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate().map_err(|error| error.to_string())?;
    let made = params
        .self_signed(&key)
        .map_err(|error| error.to_string())?;
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = ring::default_provider()
        .key_provider
        .load_private_key(der)
        .map_err(|error| error.to_string())?;
    // Not compared as others are: what makes it a proof is an extension that only the authority understands.
    Ok(Arc::new(CertifiedKey::new(vec![made.der().clone()], key)))
}

/// Our way out, as the ACME library takes it. An authority may be the company's own, in a private network.
struct Wire(Arc<OutboundHttp>);

impl HttpClient for Wire {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, instant_acme::Error>> + Send>> {
        let client = Arc::clone(&self.0);
        let bounds = Bounds {
            reach: Reach::Anywhere,
            longest: Duration::from_secs(30),
            most: 1 << 20,
        };
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body
                .collect()
                .await
                .map_err(|error| instant_acme::Error::Other(Box::new(error)))?
                .to_bytes();
            let answer = client
                .send(Request::from_parts(parts, body), bounds)
                .await
                .map_err(|error| instant_acme::Error::Other(Box::new(error)))?;
            Ok(BytesResponse::from(answer.map(Full::new)))
        })
    }
}

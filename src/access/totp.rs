//! The second factor: one-time codes of an authenticator app (RFC 6238), and recovery codes for who has lost it. A code is
//! good once, within the half minute before and after its own.
use super::secret::{Purpose, Secret, random};
use crate::{
    api::field::{OperatorId, TenantId},
    clock::{Millis, SECOND},
    db::{
        Tx,
        sql::{first, one, run},
    },
    error::{Code, Error, Result},
};
use data_encoding::BASE32_NOPAD;
use qrcode::{EcLevel, QrCode, render::svg};
use rusqlite::Connection;
use totp_rs::{Builder, Totp};

/// How many recovery codes somebody has.
const RECOVERY_CODES: usize = 10;

/// Whose second factor it is.
type Whose = (TenantId, OperatorId);

/// What an app needs to give codes.
#[derive(Debug)]
pub(crate) struct Setup {
    /// For who types it in.
    pub(crate) secret: String,
    pub(crate) uri: String,
    /// The same as a picture.
    pub(crate) qr: String,
}

fn totp(secret: &[u8], issuer: &str, account: &str) -> Result<Totp> {
    // The form of the address gives `:` a meaning of its own.
    let plain = |text: &str| text.replace(':', " ").trim().to_owned();
    Builder::new()
        .with_secret(secret.to_vec())
        .with_issuer(Some(plain(issuer)).filter(|issuer| !issuer.is_empty()))
        .with_account_name(plain(account))
        .build()
        .map_err(|error| Error::internal(error.to_string()))
}

/// Makes a secret for somebody who has no second factor yet. It protects nothing before [`enable`] has seen a code of it.
pub(crate) fn begin(
    tx: &Tx<'_>,
    secret: &Secret,
    whose: Whose,
    (issuer, account): (&str, &str),
) -> Result<Setup> {
    if is_enabled(tx, whose)? {
        return Err(Error::new(Code::TotpEnabled));
    }
    let fresh = random::<20>()?;
    run(
        tx,
        "insert into totp (tenant_id, operator_id, secret) values (?1, ?2, ?3)
         on conflict do update set secret = excluded.secret, last_step = 0",
        (
            whose.0,
            whose.1,
            secret.seal(BASE32_NOPAD.encode(&fresh).as_bytes())?,
        ),
    )?;
    let uri = totp(&fresh, issuer, account)?
        .to_url()
        .map_err(|error| Error::internal(error.to_string()))?;
    let code = QrCode::with_error_correction_level(&uri, EcLevel::M).map_err(Error::internal)?;
    let picture = code
        .render::<svg::Color<'_>>()
        .min_dimensions(192, 192)
        .build();
    Ok(Setup {
        secret: BASE32_NOPAD.encode(&fresh),
        qr: picture
            .split_once("?>")
            .map_or(picture.clone(), |(_, svg)| svg.to_owned()),
        uri,
    })
}

/// Turns the second factor on, once a code shows that the app has the secret. Answers the recovery codes, which are told
/// this once.
pub(crate) fn enable(
    tx: &Tx<'_>,
    secret: &Secret,
    whose: Whose,
    code: &str,
) -> Result<Vec<String>> {
    if is_enabled(tx, whose)? {
        return Err(Error::new(Code::TotpEnabled));
    }
    if !takes(tx, secret, whose, code)? {
        return Err(Error::new(Code::TotpInvalid).on("code"));
    }
    run(
        tx,
        "update totp set enabled_at = ?3 where tenant_id = ?1 and operator_id = ?2",
        (whose.0, whose.1, tx.now),
    )?;
    run(
        tx,
        "delete from recovery_code where tenant_id = ?1 and operator_id = ?2",
        whose,
    )?;
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let letters = BASE32_NOPAD.encode(&random::<10>()?).to_ascii_lowercase();
        let parts: Vec<&str> = [0, 4, 8, 12].map(|at| &letters[at..at + 4]).into();
        let code = parts.join("-");
        run(
            tx,
            "insert into recovery_code (tenant_id, operator_id, code_hash) values (?1, ?2, ?3)",
            (whose.0, whose.1, recovery_hash(secret, &code)),
        )?;
        codes.push(code);
    }
    Ok(codes)
}

/// Takes the second factor away.
pub(crate) fn disable(conn: &Connection, whose: Whose) -> Result<()> {
    run(
        conn,
        "delete from totp where tenant_id = ?1 and operator_id = ?2",
        whose,
    )?;
    run(
        conn,
        "delete from recovery_code where tenant_id = ?1 and operator_id = ?2",
        whose,
    )?;
    Ok(())
}

pub(crate) fn is_enabled(conn: &Connection, (tenant, operator): Whose) -> Result<bool> {
    one(
        conn,
        "select exists (select 1 from totp where tenant_id = ?1 and operator_id = ?2 and enabled_at is not null)",
        (tenant, operator),
        |row| row.get(0),
    )
}

/// Asks for the second factor of who has one: a code of the app or a recovery code, which is then used up.
pub(crate) fn prove(tx: &Tx<'_>, secret: &Secret, whose: Whose, code: Option<&str>) -> Result<()> {
    if !is_enabled(tx, whose)? {
        return Ok(());
    }
    let code = code.map(str::trim).unwrap_or_default();
    if code.is_empty() {
        return Err(Error::new(Code::TotpRequired).on("totp"));
    }
    if takes(tx, secret, whose, code)? || takes_recovery(tx, secret, whose, code)? {
        return Ok(());
    }
    Err(Error::new(Code::TotpInvalid).on("totp"))
}

/// Whether `code` is one of the app's that was not used before. It is used then.
fn takes(tx: &Tx<'_>, secret: &Secret, (tenant, operator): Whose, code: &str) -> Result<bool> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let stored: Option<Vec<u8>> = first(
        tx,
        "select secret from totp where tenant_id = ?1 and operator_id = ?2",
        (tenant, operator),
        |row| row.get(0),
    )?;
    let Some(sealed) = stored else {
        return Err(Error::new(Code::TotpNotSetUp));
    };
    let text = secret.open(&sealed)?;
    let key = BASE32_NOPAD.decode(&text).map_err(Error::internal)?;
    let seconds = u64::try_from(tx.now / SECOND).unwrap_or(0);
    let Some(step) = totp(&key, "", "")?.check(&code, seconds) else {
        return Ok(false);
    };
    let step = Millis::try_from(step).unwrap_or(Millis::MAX);
    let used = run(
        tx,
        "update totp set last_step = ?3 where tenant_id = ?1 and operator_id = ?2 and last_step < ?3",
        (tenant, operator, step),
    )?;
    Ok(used > 0)
}

fn takes_recovery(
    tx: &Tx<'_>,
    secret: &Secret,
    (tenant, operator): Whose,
    code: &str,
) -> Result<bool> {
    let used = run(
        tx,
        "delete from recovery_code where tenant_id = ?1 and operator_id = ?2 and code_hash = ?3",
        (tenant, operator, recovery_hash(secret, code)),
    )?;
    Ok(used > 0)
}

/// The hash of a recovery code, however it was typed.
fn recovery_hash(secret: &Secret, code: &str) -> [u8; 32] {
    let letters: String = code
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    secret.hash(Purpose::RecoveryCode, &letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, of which an app shows the last six digits.
        let totp = totp(b"12345678901234567890", "", "").unwrap();
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(totp.check(code, seconds), Some(seconds / 30));
            assert_eq!(totp.check(code, seconds + 30), Some(seconds / 30));
            assert_eq!(totp.check(code, seconds + 90), None);
        }
        for wrong in ["", "28708", "2870822", "28708x", "２８７０８２"] {
            assert_eq!(totp.check(wrong, 59), None, "{wrong}");
        }
    }

    #[test]
    fn a_name_cannot_change_the_address_that_an_app_reads() {
        let totp = totp(&[7; 20], "Ромашка: \"Ко\" & сын?", "a:b@desk.kz").unwrap();
        let uri = totp.to_url().unwrap();
        assert!(uri.starts_with("otpauth://totp/"), "{uri}");
        assert_eq!(uri.matches("secret=").count(), 1);
        assert!(!uri.contains('"') && !uri.contains(' '), "{uri}");
    }

    #[test]
    fn a_recovery_code_is_the_same_however_it_is_typed() {
        let secret = Secret::known([7; 32]);
        let hash = recovery_hash(&secret, "abcd-efgh-ijkl-mnop");
        assert_eq!(recovery_hash(&secret, " ABCD EFGH IJKL MNOP "), hash);
        assert_ne!(recovery_hash(&secret, "abcd-efgh-ijkl-mnoq"), hash);
    }
}

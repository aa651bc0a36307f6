//! Certificates for gateways and stand-ins: valid ones, and those that a client must reject.

use std::sync::OnceLock;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// A private CA, as companies have.
pub struct Authority {
    /// Its certificate, PEM.
    pub pem: String,
    /// Its key, PEM: TLS-inspecting proxies hold it.
    pub key: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self {
            pem: params.self_signed(&key).unwrap().pem(),
            key: key.serialize_pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// Certificate and key (PEM) for these names, good until so many days from now.
    pub fn issue(&self, names: &[String], days: i64) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(names.to_vec()).unwrap();
        params.use_authority_key_identifier_extension = true;
        let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let day = |offset: i64| {
            let date = today.saturating_add(jiff::Span::new().days(offset));
            rcgen::date_time_ymd(
                i32::from(date.year()),
                u8::try_from(date.month()).unwrap(),
                u8::try_from(date.day()).unwrap(),
            )
        };
        params.not_before = day(days.min(0) - 30);
        params.not_after = day(days);
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

/// The CA that signs the certificates of gateways and stand-ins.
pub fn authority() -> &'static Authority {
    static AUTHORITY: OnceLock<Authority> = OnceLock::new();
    AUTHORITY.get_or_init(|| Authority::new("Gateway Test CA"))
}

/// Another CA, that of a TLS-inspecting proxy.
pub fn inspector() -> &'static Authority {
    static AUTHORITY: OnceLock<Authority> = OnceLock::new();
    AUTHORITY.get_or_init(|| Authority::new("Corporate Inspection CA"))
}

//! Where a server is, and how it is made sure that we may use it.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;
use uuid::Uuid;

/// The address of a server, without the version of its interface: `http://127.0.0.1:3080`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerUrl(Url);

/// Why a text is no server's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not an address of the web.
    #[error(
        "`{0}` is not the address of a GNS3 server: write http://HOST:PORT, as in http://127.0.0.1:3080"
    )]
    Form(String),
    /// A password in an address is seen by everybody who lists processes. It is not repeated here.
    #[error(
        "the address of a GNS3 server holds no user and password, for others could read them: give \
         --gns3-user, and the password in ORCHESTRATOR_GNS3_PASSWORD or --gns3-password-file"
    )]
    Credentials,
}

impl FromStr for ServerUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        // What may hold a password is not repeated.
        if text.contains('@') {
            return Err(UrlError::Credentials);
        }
        let form = || UrlError::Form(text.to_owned());
        let mut url = Url::parse(text).map_err(|_| form())?;
        let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
        if !is_web || url.query().is_some() || url.fragment().is_some() {
            return Err(form());
        }
        let path = url.path().trim_end_matches('/');
        let path = path
            .strip_suffix("/v2")
            .or(path.strip_suffix("/v3"))
            .unwrap_or(path);
        let path = path.to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl ServerUrl {
    /// The name or address of the server's machine, as it is connected to: without the brackets of IPv6.
    pub fn host(&self) -> &str {
        let host = self.0.host_str().unwrap_or_default();
        host.trim_matches(['[', ']'])
    }

    /// Returns whether it is asked over TLS.
    pub fn is_secure(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether the server is on this machine.
    pub fn is_local(&self) -> bool {
        let host = self.host();
        let address = host.parse::<std::net::IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

/// A password. It is in no log and no message.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps it.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Returns the secret itself, as a server needs it.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

/// The credentials for a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// Which server is meant and who we are there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// The server; none: labs that are up are found by what is recorded of them.
    pub url: Option<ServerUrl>,
    /// None: what a server 3.0 has at its first start, `admin` twice; nothing at 2.2.
    pub credentials: Option<Credentials>,
}

/// A project on a server: its address there, as `http://127.0.0.1:3080/projects/UUID`. The version of
/// the interface is found out anew, for the server may have been replaced meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProjectUrl {
    pub(super) server: ServerUrl,
    pub(super) project: Uuid,
}

impl fmt::Display for ProjectUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/projects/{}", self.server, self.project)
    }
}

impl FromStr for ProjectUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let form = || UrlError::Form(text.to_owned());
        let (server, project) = text.split_once("/projects/").ok_or_else(form)?;
        Ok(Self {
            server: server.parse()?,
            project: project.parse().map_err(|_| form())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_with_and_without_a_version() {
        for text in [
            "http://127.0.0.1:3080",
            "http://127.0.0.1:3080/",
            "http://127.0.0.1:3080/v2",
            "http://127.0.0.1:3080/v3/",
        ] {
            let url: ServerUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), "http://127.0.0.1:3080", "{text}");
            assert!(url.is_local());
        }
        let url: ServerUrl = "https://lab.example/gns3/v3".parse().unwrap();
        assert_eq!(url.to_string(), "https://lab.example/gns3");
        assert!(!url.is_local());
        let url: ServerUrl = "http://[::1]:3080".parse().unwrap();
        assert_eq!(url.host(), "::1");
        assert!(url.is_local());
    }

    #[test]
    fn what_is_no_address_is_refused_without_telling_a_password() {
        for text in ["", "127.0.0.1:3080", "ftp://x", "http://x/?a=b", "http://"] {
            let refused = text.parse::<ServerUrl>().unwrap_err();
            assert!(matches!(refused, UrlError::Form(_)), "{text}");
        }
        let refused = "http://admin:hunter2@x".parse::<ServerUrl>().unwrap_err();
        assert!(!refused.to_string().contains("hunter2"));
        assert_eq!(format!("{:?}", Secret::new("hunter2".to_owned())), "***");
    }

    #[test]
    fn a_project_is_found_again_by_its_address() {
        let url = ProjectUrl {
            server: "http://[::1]:3080".parse().unwrap(),
            project: Uuid::from_u128(7),
        };
        assert_eq!(url.to_string().parse::<ProjectUrl>().unwrap(), url);
    }
}

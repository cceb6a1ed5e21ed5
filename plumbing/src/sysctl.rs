//! Kernel settings of the current namespaces, sysctl(8).

use std::fs;
use std::io;

/// Why a kernel setting could not be read or changed.
#[derive(Debug, thiserror::Error)]
#[error("setting {path} to {value}: {source}")]
pub struct SysctlError {
    /// Its file.
    pub path: String,
    /// The value it should have got.
    pub value: String,
    /// The error of the system.
    pub source: io::Error,
}

/// Sets a kernel setting, named as its path below `/proc/sys`: `net/ipv4/ip_forward`. One that has
/// the value already is left alone, so that a read-only `/proc/sys` is no error then.
///
/// # Errors
/// Where the setting does not exist or cannot be changed.
pub fn set(name: &str, value: &str) -> Result<(), SysctlError> {
    let path = format!("/proc/sys/{name}");
    if fs::read_to_string(&path).is_ok_and(|now| now.trim_end() == value) {
        return Ok(());
    }
    fs::write(&path, value).map_err(|source| SysctlError {
        path,
        value: value.to_owned(),
        source,
    })
}

/// Lets the network namespace route between its interfaces, IPv4 and, where the kernel has it, IPv6.
///
/// # Errors
/// Where the setting cannot be changed.
pub fn enable_forwarding() -> Result<(), SysctlError> {
    set("net/ipv4/ip_forward", "1")?;
    if fs::exists("/proc/sys/net/ipv6/conf/all/forwarding").unwrap_or(false) {
        set("net/ipv6/conf/all/forwarding", "1")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_is_right_already_is_left_alone() {
        let now = fs::read_to_string("/proc/sys/kernel/ostype").unwrap();
        set("kernel/ostype", now.trim_end()).unwrap();
    }

    #[test]
    fn a_setting_that_does_not_exist_is_named() {
        let error = set("net/no-such-setting", "1").unwrap_err();
        assert!(error.to_string().contains("net/no-such-setting"), "{error}");
    }
}

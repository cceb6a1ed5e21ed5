//! The way in which this process finds the addresses of names.

/// Has names found in the hosts file and by DNS alone, both of which are part of the C library.
///
/// A C library that is linked statically loads every other module that `/etc/nsswitch.conf` names (nss(5)), and with
/// it the C library of this machine. Where that is of another version, the process dies of it.
///
/// Other threads must not look for names yet.
pub fn find_without_modules() {
    #[cfg(all(target_env = "gnu", target_feature = "crt-static"))]
    {
        unsafe extern "C" {
            fn __nss_configure_lookup(
                database: *const libc::c_char,
                services: *const libc::c_char,
            ) -> libc::c_int;
        }
        // SAFETY: both are strings that end with a zero byte, and the function copies what it keeps. It refuses nothing
        // but databases and services that do not exist.
        unsafe {
            __nss_configure_lookup(c"hosts".as_ptr(), c"files dns".as_ptr());
        }
    }
}

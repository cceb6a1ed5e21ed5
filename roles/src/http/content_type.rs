//! The kinds of files that the original labs download, by their Content-Type and by their names.

/// Content-Type and the ending of names, the one that files are given first.
const TYPES: [(&str, &[&str]); 5] = [
    ("image/png", &["png"]),
    ("image/jpeg", &["jpg", "jpeg"]),
    ("image/gif", &["gif"]),
    ("application/zip", &["zip"]),
    ("video/quicktime", &["mov"]),
];

/// The ending of a file's name for a Content-Type, parameters aside; none for others than the labs'.
pub(super) fn ending(content_type: &str) -> Option<&'static str> {
    let bare = content_type.split(';').next().unwrap_or_default().trim();
    let known = TYPES
        .iter()
        .find(|(name, _)| bare.eq_ignore_ascii_case(name));
    known.and_then(|(_, endings)| endings.first().copied())
}

/// The Content-Type of a file of that name.
pub(super) fn of_name(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let known = TYPES.iter().find(|(_, endings)| {
        endings
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
    });
    known.map_or("application/octet-stream", |(name, _)| name)
}

/// All types that [`ending`] knows.
pub(super) fn known() -> String {
    TYPES.map(|(name, _)| name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_types_go_together() {
        for name in ["a.png", "a.jpg", "a.gif", "a.zip", "a.mov"] {
            assert_eq!(ending(of_name(name)), name.strip_prefix("a."));
        }
        assert_eq!(ending("Image/JPEG; q=1"), Some("jpg"));
        assert_eq!(of_name("A.JPEG"), "image/jpeg");
        for other in ["text/html", "", "image", "image/jpegs"] {
            assert_eq!(ending(other), None, "{other}");
        }
        for other in ["png", "a.txt", "", "a."] {
            assert_eq!(ending(of_name(other)), None, "{other}");
        }
    }
}

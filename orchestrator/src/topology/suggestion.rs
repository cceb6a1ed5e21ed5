//! "Did you mean …": what to write instead of a word that means nothing.

/// Suggests a replacement for `word`: the most similar of `known`, or all of them.
pub(super) fn instead_of<T: AsRef<str>>(word: &str, known: &[T]) -> String {
    let known = known.iter().map(AsRef::as_ref);
    let alike = known
        .clone()
        .map(|name| (strsim::damerau_levenshtein(word, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len().min(word.len()) / 4)
        .min();
    if let Some((_, name)) = alike {
        return format!("did you mean `{name}`?");
    }
    let names: Vec<&str> = known.collect();
    match names.as_slice() {
        [] => "leave it out; nothing can be named here".to_owned(),
        [name] => format!("write {name}"),
        many if many.len() > MOST => {
            format!("write one of {}, …", many[..MOST].join(", "))
        }
        many => format!("write one of {}", many.join(", ")),
    }
}

/// The most names that are listed.
const MOST: usize = 20;

#[cfg(test)]
mod tests {
    use super::instead_of;

    #[test]
    fn a_word_much_like_a_known_one_is_taken_for_it() {
        let known = ["subnet", "address"];
        assert_eq!(instead_of("subent", &known), "did you mean `subnet`?");
        assert_eq!(instead_of("xyz", &known), "write one of subnet, address");
        assert_eq!(
            instead_of::<&str>("xyz", &[]),
            "leave it out; nothing can be named here"
        );
    }
}

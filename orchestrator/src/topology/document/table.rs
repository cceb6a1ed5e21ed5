//! Tables that have keys in common.

/// Makes a table of its own keys and of those that it has in common with others, which `common` borrows
/// as `$common`. Without a table, makes `$common`. Serde's `flatten` would lose the places of words.
macro_rules! table {
    ($common:ident { $($(#[$shared_doc:meta])* $shared:ident: $shared_type:ty,)* }) => {
        /// What all these tables have.
        #[derive(Debug, Clone, Copy)]
        pub(in crate::topology) struct $common<'a> {
            $(pub(in crate::topology) $shared: &'a $shared_type,)*
        }
    };
    (
        $common:ident { $($(#[$shared_doc:meta])* $shared:ident: $shared_type:ty,)* }
        $(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty,)* }
    ) => {
        #[derive(Debug, Default, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        $(#[$meta])*
        pub(in crate::topology) struct $name {
            $($(#[$doc])* pub(in crate::topology) $field: $type,)*
            $($(#[$shared_doc])* pub(in crate::topology) $shared: $shared_type,)*
        }

        impl $name {
            /// What all tables of its kind have.
            pub(in crate::topology) fn common(&self) -> $common<'_> {
                $common { $($shared: &self.$shared,)* }
            }
        }
    };
}

pub(super) use table;

//! Tables that have keys in common.

/// Makes a table of its own keys and, in brackets behind them, of those that it has in common with others,
/// which a method borrows. Without a table, makes what the first such method gives. Serde's `flatten`
/// would lose the places of words.
macro_rules! table {
    (
        [$common:ident $method:ident { $($(#[$doc:meta])* $field:ident: $type:ty,)* }]
        $([$($other:tt)*])*
    ) => {
        /// The keys that all these tables have.
        #[derive(Debug, Clone, Copy)]
        pub(in crate::topology) struct $common<'a> {
            $(pub(in crate::topology) $field: &'a $type,)*
        }
    };
    (
        $(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty,)* }
        $([$common:ident $method:ident {
            $($(#[$shared_doc:meta])* $shared:ident: $shared_type:ty,)*
        }])*
    ) => {
        #[derive(Debug, Default, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        $(#[$meta])*
        pub(in crate::topology) struct $name {
            $($(#[$doc])* pub(in crate::topology) $field: $type,)*
            $($($(#[$shared_doc])* pub(in crate::topology) $shared: $shared_type,)*)*
        }

        impl $name {
            $(
                /// Returns the keys that all tables of its kind have.
                pub(in crate::topology) fn $method(&self) -> $common<'_> {
                    $common { $($shared: &self.$shared,)* }
                }
            )*
        }
    };
}

pub(super) use table;

//! Enumerations that are written in three places: the contract, the database and the rules.

/// Declares an enumeration of the domain beside its twin in the contract: the same variants without
/// `Unspecified`, each with the word that stands in the database.
///
/// ```
/// platform::choice! {
///     /// Whether a village is still a tenant.
///     pub enum State as proto::registry::v1::VillageState {
///         Active = "active",
///         Archived = "archived",
///     }
/// }
/// assert_eq!(State::read(1), Ok(Some(State::Active)));
/// assert_eq!(State::from_word("archived"), Some(State::Archived));
/// ```
#[macro_export]
macro_rules! choice {
    ($(#[$about:meta])* $vis:vis enum $name:ident as $contract:path { $($(#[$what:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name { $($(#[$what])* #[allow(missing_docs, reason = "said in the contract")] $variant,)+ }

        #[allow(dead_code, reason = "not every enumeration needs every direction")]
        impl $name {
            /// Every value.
            $vis const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word that stands in the database.
            $vis const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The value of a word of the database.
            $vis fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }

            /// Reads a value of the contract: none if it is unspecified.
            ///
            /// # Errors
            /// When the contract has no such value.
            $vis fn read(value: i32) -> Result<Option<Self>, &'static str> {
                use $contract as Contract;
                match Contract::try_from(value) {
                    $(Ok(Contract::$variant) => Ok(Some(Self::$variant)),)+
                    Ok(Contract::Unspecified) => Ok(None),
                    _ => Err("is not one of the values of the contract"),
                }
            }
        }

        impl From<$name> for i32 {
            fn from(value: $name) -> i32 {
                use $contract as Contract;
                match value { $($name::$variant => Contract::$variant as i32,)+ }
            }
        }

        impl ::sqlx::Type<::sqlx::Postgres> for $name {
            fn type_info() -> ::sqlx::postgres::PgTypeInfo {
                <str as ::sqlx::Type<::sqlx::Postgres>>::type_info()
            }
            fn compatible(info: &::sqlx::postgres::PgTypeInfo) -> bool {
                <str as ::sqlx::Type<::sqlx::Postgres>>::compatible(info)
            }
        }

        impl<'q> ::sqlx::Encode<'q, ::sqlx::Postgres> for $name {
            fn encode_by_ref(
                &self,
                buffer: &mut ::sqlx::postgres::PgArgumentBuffer,
            ) -> Result<::sqlx::encode::IsNull, ::sqlx::error::BoxDynError> {
                <&str as ::sqlx::Encode<'_, ::sqlx::Postgres>>::encode(self.as_str(), buffer)
            }
        }

        impl<'r> ::sqlx::Decode<'r, ::sqlx::Postgres> for $name {
            fn decode(value: ::sqlx::postgres::PgValueRef<'r>) -> Result<Self, ::sqlx::error::BoxDynError> {
                let word = <&str as ::sqlx::Decode<'r, ::sqlx::Postgres>>::decode(value)?;
                Self::from_word(word).ok_or_else(|| format!("{word} is no {}", stringify!($name)).into())
            }
        }
    };
}

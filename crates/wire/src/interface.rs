//! The interface table of an adapter: one row per interface of the protocol.

/// One row of an adapter's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interface {
    /// Stable name, such as `live/roomlist`: the metric label, and the name of the folder with its contract data.
    pub name: &'static str,
    /// Where the interface is specified: a seed section (`seed 003 §五`) or a contract part (`contract sxb §4.B`).
    pub source: &'static str,
}

/// Declares an adapter's interface table and the dispatch over it.
///
/// ```
/// use relive_wire::{Interface, interfaces};
///
/// struct Context;
/// struct Ping;
/// impl<'a> TryFrom<&'a str> for Ping {
///     type Error = u16;
///     fn try_from(_: &'a str) -> Result<Self, u16> {
///         Ok(Ping)
///     }
/// }
/// async fn ping(_cx: &Context, _request: Ping) -> Result<String, u16> {
///     Ok("pong".to_owned())
/// }
///
/// interfaces! {
///     /// Every call of this toy protocol.
///     pub(crate) enum Api;
///     async fn dispatch(cx: &Context, input: &str) -> Result<String, u16>;
///     Ping: "ping" => ping, "seed 1 §1";
/// }
///
/// assert_eq!(Api::find("ping").map(|api| api.row().source), Some("seed 1 §1"));
/// assert!(Api::find("pong").is_none());
/// assert_eq!(Api::TABLE.len(), 1);
/// let _ = |cx, input| dispatch(Api::Ping, cx, input);
/// ```
///
/// A handler is `async fn(&Context, Request) -> Result<T, E>` where `Request: TryFrom<Input, Error = E>`. Each handler
/// returns its own typed reply: the dispatch converts `T` with `From<T>` for its output. The dispatch has the
/// visibility of the enum.
#[macro_export]
macro_rules! interfaces {
    (
        $(#[$meta:meta])*
        $vis:vis enum $api:ident;
        async fn $dispatch:ident($cx:ident: $cx_ty:ty, $input:ident: $input_ty:ty) -> Result<$out:ty, $err:ty>;
        $( $variant:ident: $name:literal => $handler:path, $source:literal; )+
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $vis enum $api { $( #[doc = $source] $variant, )+ }

        impl $api {
            /// The table, in declaration order.
            $vis const TABLE: &'static [$crate::Interface] =
                &[ $( $crate::Interface { name: $name, source: $source }, )+ ];

            /// Finds the interface of that name.
            $vis fn find(name: &str) -> Option<Self> {
                match name { $( $name => Some(Self::$variant), )+ _ => None }
            }

            /// The row of this interface.
            $vis const fn row(self) -> $crate::Interface {
                match self { $( Self::$variant => $crate::Interface { name: $name, source: $source }, )+ }
            }
        }

        /// Decodes the request of an interface, runs its handler and converts the reply.
        $vis async fn $dispatch(api: $api, $cx: $cx_ty, $input: $input_ty) -> Result<$out, $err> {
            match api {
                $( $api::$variant => $handler($cx, ::core::convert::TryFrom::try_from($input)?).await
                    .map(<$out as ::core::convert::From<_>>::from), )+
            }
        }
    };
}

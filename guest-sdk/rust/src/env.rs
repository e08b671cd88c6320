use crate::abi::{self, op, Code};
use crate::analytics::Dataset;
use crate::call::invoke;
use crate::d1::Database;
use crate::error::Result;
use crate::kv::Namespace;
use crate::queues::Queue;

/// The bindings of the configuration. Naming one costs nothing; whether it is there shows when it is used.
#[derive(Clone, Copy, Debug)]
pub struct Env;

impl Env {
    /// A variable; None when there is none of that name. One that is not a string in the configuration is its JSON form, and a secret answers
    /// too.
    pub fn var(&self, name: &str) -> Option<String> {
        let reply = invoke(name, op::VARS_GET, &abi::VarsGetRequest {}).ok()?;
        let value: abi::VarsGetReply<'_> = reply.decode().ok()?;
        Some(value.value.to_string())
    }

    /// A variable of any type that serde knows; None when there is none of that name. One that is a string in the configuration holds JSON.
    #[cfg(feature = "serde")]
    pub fn var_json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        Ok(self.var(name).map(|v| serde_json::from_str(&v)).transpose()?)
    }

    /// A secret; None when there is none of that name.
    pub fn secret(&self, name: &str) -> Result<Option<String>> {
        let reply = invoke(name, op::SECRETS_GET, &abi::SecretsGetRequest {})?;
        match reply.decode::<abi::SecretsGetReply<'_>>() {
            Ok(secret) => Ok(Some(secret.value.to_string())),
            Err(e) if e.code == Code::NOT_CONFIGURED => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Names and kinds ("kv", "d1", "vars", ...) of all bindings of the configuration, in the order of their names.
    pub fn bindings(&self) -> Result<Vec<(String, String)>> {
        let reply = invoke("", op::BINDINGS, &abi::BindingsRequest {})?;
        let r: abi::BindingsReply<'_> = reply.decode()?;
        Ok(r.bindings.iter().map(|b| (b.name.to_string(), b.kind.to_string())).collect())
    }

    /// A KV namespace.
    pub fn kv<'n>(&self, name: &'n str) -> Namespace<'n> {
        Namespace(name)
    }

    /// A D1 database.
    pub fn d1<'n>(&self, name: &'n str) -> Database<'n> {
        Database(name)
    }

    /// A queue to send to.
    pub fn queue<'n>(&self, name: &'n str) -> Queue<'n> {
        Queue(name)
    }

    /// An Analytics Engine dataset.
    pub fn analytics<'n>(&self, name: &'n str) -> Dataset<'n> {
        Dataset(name)
    }
}

//! KV namespaces: keys of up to 512 bytes with values of up to 25 MiB, optional JSON metadata and an optional time to live.

use crate::abi::{self, op};
use crate::call::{invoke, Call, Pending};
use crate::error::Result;
use crate::stream::Reader;

/// A KV namespace, by the name of its binding.
#[derive(Clone, Copy, Debug)]
pub struct Namespace<'n>(pub &'n str);

/// A value with its metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The key's name.
    pub key: String,
    /// The value; None when there is no such key or it has expired.
    pub value: Option<Vec<u8>>,
    /// The metadata's JSON.
    pub metadata: Option<String>,
}

/// What a put may say besides key and value.
#[derive(Clone, Debug, Default)]
pub struct Put {
    /// When the key goes, in seconds since the Unix epoch; at least 60 from now.
    pub expiration: Option<i64>,
    /// After how many seconds the key goes; at least 60.
    pub expiration_ttl_s: Option<i64>,
    /// Any JSON document of at most 1024 bytes.
    pub metadata: Option<String>,
}

/// Which keys to list.
#[derive(Clone, Debug, Default)]
pub struct List {
    /// Only keys that begin with it.
    pub prefix: String,
    /// The most keys on a page: at most 1000, the default.
    pub limit: Option<i64>,
    /// The cursor of the page before.
    pub cursor: String,
}

/// One page of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The keys, in the order of their bytes.
    pub keys: Vec<Key>,
    /// Asks for the next page; None when nothing follows.
    pub cursor: Option<String>,
}

/// One key of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Key {
    /// The key's name.
    pub name: String,
    /// When the key goes, in seconds since the Unix epoch.
    pub expiration: Option<i64>,
    /// The metadata's JSON.
    pub metadata: Option<String>,
}

impl Namespace<'_> {
    fn read(&self, key: &str, r#type: &str, with_metadata: bool) -> Call {
        let request = abi::KvGetRequest { key: key.as_bytes(), r#type, with_metadata, ..Default::default() };
        Call::start(self.0, op::KV_GET, &request)
    }

    /// Reads a value; None when there is no such key.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.get_async(key).wait()
    }

    /// Starts reading a value.
    pub fn get_async(&self, key: &str) -> Pending<Option<Vec<u8>>> {
        Pending::new(self.read(key, abi::KV_ARRAY_BUFFER, false), |reply| {
            let r: abi::KvGetReply<'_> = reply.decode()?;
            Ok(r.found.then(|| r.value.to_vec()))
        })
    }

    /// Reads a value as text.
    pub fn get_text(&self, key: &str) -> Result<Option<String>> {
        let reply = self.read(key, abi::KV_TEXT, false).wait()?;
        let r: abi::KvGetReply<'_> = reply.decode()?;
        Ok(r.found.then(|| String::from_utf8_lossy(r.value).into_owned()))
    }

    /// Reads a value of any type that serde knows.
    #[cfg(feature = "serde")]
    pub fn get_json<T: serde::de::DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        match self.get(key)? {
            Some(v) => serde_json::from_slice(&v).map(Some).map_err(|e| crate::Error::other(e.to_string())),
            None => Ok(None),
        }
    }

    /// Reads value and metadata.
    pub fn get_with_metadata(&self, key: &str) -> Result<Entry> {
        let reply = self.read(key, abi::KV_ARRAY_BUFFER, true).wait()?;
        let r: abi::KvGetReply<'_> = reply.decode()?;
        Ok(Entry { key: key.to_string(), value: r.found.then(|| r.value.to_vec()), metadata: r.metadata.map(String::from) })
    }

    /// Reads a value as a stream, without holding it in memory.
    pub fn get_stream(&self, key: &str) -> Result<Option<Reader>> {
        let reply = self.read(key, abi::KV_STREAM, false).wait()?;
        let r: abi::KvGetReply<'_> = reply.decode()?;
        Ok(r.found.then(|| Reader::new(r.stream, &[])))
    }

    /// Reads up to 100 keys, 25 MiB together, with their metadata. Missing ones are in place without a value.
    pub fn get_bulk(&self, keys: &[&str]) -> Result<Vec<Entry>> {
        let keys = keys.iter().map(|k| k.as_bytes()).collect();
        let reply = invoke(self.0, op::KV_GET_BULK, &abi::KvGetBulkRequest { keys, with_metadata: true, ..Default::default() })?;
        let r: abi::KvGetBulkReply<'_> = reply.decode()?;
        Ok(r.entries
            .iter()
            .map(|e| Entry { key: text(e.key), value: e.found.then(|| e.value.to_vec()), metadata: e.metadata.map(String::from) })
            .collect())
    }

    /// Stores a value and returns when it is durable.
    pub fn put(&self, key: &str, value: impl AsRef<[u8]>) -> Result<()> {
        self.put_with(key, value, &Put::default())
    }

    /// Stores a value with expiration or metadata.
    pub fn put_with(&self, key: &str, value: impl AsRef<[u8]>, options: &Put) -> Result<()> {
        self.put_async(key, value, options).wait()
    }

    /// Starts storing a value.
    pub fn put_async(&self, key: &str, value: impl AsRef<[u8]>, options: &Put) -> Pending<()> {
        let request = abi::KvPutRequest { value: value.as_ref(), ..put(key, options) };
        Pending::new(Call::start(self.0, op::KV_PUT, &request), stored)
    }

    /// Stores the bytes of a stream.
    pub fn put_stream(&self, key: &str, mut value: Reader, options: &Put) -> Result<()> {
        if let Some(whole) = value.whole() {
            return self.put_with(key, whole, options);
        }
        let request = abi::KvPutRequest { stream: value.into_handle().unwrap_or_default(), ..put(key, options) };
        stored(&invoke(self.0, op::KV_PUT, &request)?)
    }

    /// Stores a value of any type that serde knows.
    #[cfg(feature = "serde")]
    pub fn put_json<T: serde::Serialize>(&self, key: &str, value: &T) -> Result<()> {
        self.put(key, serde_json::to_vec(value).map_err(|e| crate::Error::other(e.to_string()))?)
    }

    /// Removes a key; one that is not there is no error.
    pub fn delete(&self, key: &str) -> Result<()> {
        invoke(self.0, op::KV_DELETE, &abi::KvDeleteRequest { key: key.as_bytes() })?.decode::<abi::KvDeleteReply>().map(|_| ())
    }

    /// Lists keys in the order of their bytes, a page at a time.
    pub fn list(&self, options: &List) -> Result<Page> {
        let request = abi::KvListRequest { prefix: options.prefix.as_bytes(), limit: options.limit, cursor: &options.cursor };
        let reply = invoke(self.0, op::KV_LIST, &request)?;
        let r: abi::KvListReply<'_> = reply.decode()?;
        Ok(Page {
            keys: r.keys.iter().map(|k| Key { name: text(k.name), expiration: k.expiration, metadata: k.metadata.map(String::from) }).collect(),
            cursor: (!r.list_complete).then(|| r.cursor.to_string()),
        })
    }
}

fn put<'a>(key: &'a str, options: &'a Put) -> abi::KvPutRequest<'a> {
    abi::KvPutRequest {
        key: key.as_bytes(),
        expiration: options.expiration,
        expiration_ttl_s: options.expiration_ttl_s,
        metadata: options.metadata.as_deref(),
        ..Default::default()
    }
}

fn stored(reply: &crate::call::Reply) -> Result<()> {
    reply.decode::<abi::KvPutReply>().map(|_| ())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

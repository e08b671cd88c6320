//! KV namespaces: keys of up to 512 bytes of UTF-8 with values of up to 25 MiB, optional JSON metadata and an optional time to live.
//!
//! Every operation has a form that waits and a form that ends in `_async` and gives something to wait for.

use std::io::Read;

use crate::abi::{self, op};
use crate::call::{Call, Pending, Reply};
use crate::error::Result;
use crate::stream::{pipe, Reader};

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

impl<'n> Namespace<'n> {
    fn read(&self, key: &str, r#type: &str, with_metadata: bool) -> Call {
        let request = abi::KvGetRequest { key: key.as_bytes(), r#type, with_metadata, ..Default::default() };
        Call::start(self.0, op::KV_GET, &request)
    }

    /// Reads a value; None when there is no such key.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        bytes(&self.read(key, abi::KV_ARRAY_BUFFER, false).wait()?)
    }

    /// Starts reading a value.
    pub fn get_async(&self, key: &str) -> Pending<Option<Vec<u8>>> {
        Pending::new(self.read(key, abi::KV_ARRAY_BUFFER, false), bytes)
    }

    /// Reads a value as text; bytes that are not UTF-8 become U+FFFD.
    pub fn get_text(&self, key: &str) -> Result<Option<String>> {
        string(&self.read(key, abi::KV_TEXT, false).wait()?)
    }

    /// Starts reading a value as text.
    pub fn get_text_async(&self, key: &str) -> Pending<Option<String>> {
        Pending::new(self.read(key, abi::KV_TEXT, false), string)
    }

    /// Reads a value of any type that serde knows.
    #[cfg(feature = "serde")]
    pub fn get_json<T: serde::de::DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let reply = self.read(key, abi::KV_JSON, false).wait()?;
        let r: abi::KvGetReply<'_> = reply.decode()?;
        Ok(r.found.then(|| serde_json::from_slice(r.value)).transpose()?)
    }

    /// Reads value and metadata.
    pub fn get_with_metadata(&self, key: &str) -> Result<Entry> {
        self.get_with_metadata_async(key).wait()
    }

    /// Starts reading value and metadata.
    pub fn get_with_metadata_async(&self, key: &str) -> Pending<Entry> {
        let name = key.to_string();
        Pending::new(self.read(key, abi::KV_ARRAY_BUFFER, true), |reply| {
            let r: abi::KvGetReply<'_> = reply.decode()?;
            Ok(Entry { key: name, value: r.found.then(|| r.value.to_vec()), metadata: r.metadata.map(String::from) })
        })
    }

    /// Reads a value as a stream, without holding it in memory. Given to a response unread, its bytes do not pass through the function.
    pub fn get_stream(&self, key: &str) -> Result<Option<Reader>> {
        self.get_stream_async(key).wait()
    }

    /// Starts reading a value as a stream.
    pub fn get_stream_async(&self, key: &str) -> Pending<Option<Reader>> {
        Pending::new(self.read(key, abi::KV_STREAM, false), |reply| {
            let r: abi::KvGetReply<'_> = reply.decode()?;
            Ok(r.found.then(|| Reader::new(r.stream, &[])))
        })
    }

    /// Reads up to 100 keys, 25 MiB together, with their metadata. The entries are in the order of the keys; missing ones are in place without a
    /// value.
    pub fn get_bulk(&self, keys: &[&str]) -> Result<Vec<Entry>> {
        self.get_bulk_async(keys).wait()
    }

    /// Starts reading several keys.
    pub fn get_bulk_async(&self, keys: &[&str]) -> Pending<Vec<Entry>> {
        let keys = keys.iter().map(|k| k.as_bytes()).collect();
        let request = abi::KvGetBulkRequest { keys, with_metadata: true, ..Default::default() };
        Pending::new(Call::start(self.0, op::KV_GET_BULK, &request), |reply| {
            let r: abi::KvGetBulkReply<'_> = reply.decode()?;
            Ok(r.entries.iter().map(entry).collect())
        })
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

    /// Stores the bytes of a stream of the host, such as a request's body, without holding them in memory.
    pub fn put_stream(&self, key: &str, value: Reader, options: &Put) -> Result<()> {
        self.put_stream_async(key, value, options).wait()
    }

    /// Starts storing the bytes of a stream, such as the readable end of a [`pipe`]: start, write and finish, then wait.
    pub fn put_stream_async(&self, key: &str, mut value: Reader, options: &Put) -> Pending<()> {
        if let Some(whole) = value.whole() {
            return self.put_async(key, whole, options);
        }
        let request = abi::KvPutRequest { stream: value.into_handle().unwrap_or_default(), ..put(key, options) };
        Pending::new(Call::start(self.0, op::KV_PUT, &request), stored)
    }

    /// Stores what a reader of the function's own gives, piece by piece. Nothing is stored when the reader fails.
    pub fn put_from(&self, key: &str, from: &mut dyn Read, options: &Put) -> Result<()> {
        let (reader, writer) = pipe()?;
        let put = self.put_stream_async(key, reader, options);
        writer.copy_from(from)?;
        put.wait()
    }

    /// Stores a value of any type that serde knows.
    #[cfg(feature = "serde")]
    pub fn put_json<T: serde::Serialize>(&self, key: &str, value: &T) -> Result<()> {
        self.put(key, serde_json::to_vec(value)?)
    }

    /// Removes a key; one that is not there is no error.
    pub fn delete(&self, key: &str) -> Result<()> {
        self.delete_async(key).wait()
    }

    /// Starts removing a key.
    pub fn delete_async(&self, key: &str) -> Pending<()> {
        let request = abi::KvDeleteRequest { key: key.as_bytes() };
        Pending::new(Call::start(self.0, op::KV_DELETE, &request), |reply| reply.decode::<abi::KvDeleteReply>().map(|_| ()))
    }

    /// Lists keys in the order of their bytes, a page at a time.
    pub fn list(&self, options: &List) -> Result<Page> {
        self.list_async(options).wait()
    }

    /// Starts listing keys.
    pub fn list_async(&self, options: &List) -> Pending<Page> {
        let request = abi::KvListRequest { prefix: options.prefix.as_bytes(), limit: options.limit, cursor: &options.cursor };
        Pending::new(Call::start(self.0, op::KV_LIST, &request), page)
    }

    /// Every key that begins with a prefix, asking for a page when the one before has been used up. It ends after the first error.
    pub fn keys(&self, prefix: &str) -> impl Iterator<Item = Result<Key>> + 'n {
        let next = List { prefix: prefix.to_string(), ..List::default() };
        Keys { namespace: *self, next: Some(next), page: Vec::new().into_iter() }
    }
}

/// The keys of all pages.
struct Keys<'n> {
    namespace: Namespace<'n>,
    next: Option<List>,
    page: std::vec::IntoIter<Key>,
}

impl Iterator for Keys<'_> {
    type Item = Result<Key>;

    fn next(&mut self) -> Option<Result<Key>> {
        loop {
            if let Some(key) = self.page.next() {
                return Some(Ok(key));
            }
            let mut options = self.next.take()?;
            let page = match self.namespace.list(&options) {
                Ok(page) => page,
                Err(e) => return Some(Err(e)),
            };
            self.page = page.keys.into_iter();
            self.next = page.cursor.map(|cursor| {
                options.cursor = cursor;
                options
            });
        }
    }
}

fn bytes(reply: &Reply) -> Result<Option<Vec<u8>>> {
    let r: abi::KvGetReply<'_> = reply.decode()?;
    Ok(r.found.then(|| r.value.to_vec()))
}

fn string(reply: &Reply) -> Result<Option<String>> {
    let r: abi::KvGetReply<'_> = reply.decode()?;
    Ok(r.found.then(|| text(r.value)))
}

fn entry(e: &abi::KvEntry<'_>) -> Entry {
    Entry { key: text(e.key), value: e.found.then(|| e.value.to_vec()), metadata: e.metadata.map(String::from) }
}

fn page(reply: &Reply) -> Result<Page> {
    let r: abi::KvListReply<'_> = reply.decode()?;
    let key = |k: &abi::KvKey<'_>| Key { name: text(k.name), expiration: k.expiration, metadata: k.metadata.map(String::from) };
    Ok(Page { keys: r.keys.iter().map(key).collect(), cursor: (!r.list_complete).then(|| r.cursor.to_string()) })
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

fn stored(reply: &Reply) -> Result<()> {
    reply.decode::<abi::KvPutReply>().map(|_| ())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

//! The file server's protocol over TCP, as the original labs speak it.
//!
//! A request is one line, ended by CRLF or LF: `LIST`, `GET name`, `DOWNLOAD name`, `DELETE name` or
//! `UPLOAD name base64`. Words are separated and quoted as a POSIX shell does it, so that a name can
//! hold spaces. A reply is one JSON object, ended by CRLF CRLF:
//!
//! ```text
//! {"status": "OK", "data": ["a.txt", "b.jpg"]}                          LIST
//! {"status": "OK", "data_namafile": "a.txt", "data_file": "base64"}     GET, DOWNLOAD
//! {"status": "OK", "data": "a.txt has been uploaded"}                   UPLOAD
//! {"status": "OK", "message": "a.txt has been deleted"}                 DELETE
//! {"status": "ERROR", "data": "why"}                                    anything, refused
//! ```
//!
//! Both directions are read piece by piece, wherever the stream is cut, and contents are never held:
//!
//! - [`words`]: a line's words. [`request`]: requests, as a server reads them.
//! - [`reply`]: replies, as a server writes them. [`answer`]: replies, as a client reads them.
//! - [`base64`]: contents to text and back.

pub mod answer;
pub mod base64;
pub mod reply;
pub mod request;
pub mod words;

#[cfg(test)]
mod answer_test;
#[cfg(test)]
mod request_test;

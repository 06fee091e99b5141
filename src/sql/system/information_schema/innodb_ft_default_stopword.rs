//! `information_schema.INNODB_FT_DEFAULT_STOPWORD`: the words that FULLTEXT indexes leave out.

use crate::sql::fulltext::DEFAULT_STOPWORDS;
use crate::sql::system::table::table;

table! {
    "INNODB_FT_DEFAULT_STOPWORD": |_asked| for word in DEFAULT_STOPWORDS;
    value: Varchar(18) NOT NULL = word;
}

//! What SHOW tells of the binary log and of replicas. There is no log, and replicas are Raft's, of which nobody asks this way: what MySQL
//! answers with its log off.

use super::Shown;
use crate::common::{SqlError, errno};

/// With the names of SHOW SLAVE STATUS.
const STATUS: &str = "Slave_IO_State Master_Host Master_User #Master_Port #Connect_Retry Master_Log_File \
    #Read_Master_Log_Pos Relay_Log_File #Relay_Log_Pos Relay_Master_Log_File Slave_IO_Running \
    Slave_SQL_Running Replicate_Do_DB Replicate_Ignore_DB Replicate_Do_Table Replicate_Ignore_Table \
    Replicate_Wild_Do_Table Replicate_Wild_Ignore_Table #Last_Errno Last_Error #Skip_Counter \
    #Exec_Master_Log_Pos #Relay_Log_Space Until_Condition Until_Log_File #Until_Log_Pos \
    Master_SSL_Allowed Master_SSL_CA_File Master_SSL_CA_Path Master_SSL_Cert Master_SSL_Cipher \
    Master_SSL_Key #Seconds_Behind_Master Master_SSL_Verify_Server_Cert #Last_IO_Errno Last_IO_Error \
    #Last_SQL_Errno Last_SQL_Error Replicate_Ignore_Server_Ids #Master_Server_Id Master_UUID \
    Master_Info_File #SQL_Delay #SQL_Remaining_Delay Slave_SQL_Running_State #Master_Retry_Count \
    Master_Bind Last_IO_Error_Timestamp Last_SQL_Error_Timestamp Master_SSL_Crl Master_SSL_Crlpath \
    Retrieved_Gtid_Set Executed_Gtid_Set Auto_Position Replicate_Rewrite_DB Channel_Name \
    Master_TLS_Version Master_public_key_path Get_master_public_key Network_Namespace";

/// SHOW MASTER STATUS.
pub(super) fn binary_log_status() -> Shown {
    let columns = ["File", "#Position", "Binlog_Do_DB", "Binlog_Ignore_DB", "!Executed_Gtid_Set"];
    Shown::new(&columns, Vec::new())
}

/// SHOW REPLICA STATUS, and SHOW SLAVE STATUS.
pub(super) fn replica_status(old: bool) -> Shown {
    let named = |name: &str| match old {
        true => name.to_owned(),
        false => name
            .replace("Slave_", "Replica_")
            .replace("Master", "Source")
            .replace("master", "Source"),
    };
    let names: Vec<String> = STATUS.split_whitespace().map(named).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Shown::new(&names, Vec::new())
}

/// SHOW REPLICAS, and SHOW SLAVE HOSTS.
pub(super) fn replicas(old: bool) -> Shown {
    let columns = match old {
        true => ["#Server_id", "Host", "#Port", "#Master_id", "Slave_UUID"],
        false => ["#Server_Id", "Host", "#Port", "#Source_Id", "Replica_UUID"],
    };
    Shown::new(&columns, Vec::new())
}

/// SHOW BINARY LOGS.
pub(super) fn no_binary_log() -> SqlError {
    SqlError::new(errno::NO_BINARY_LOGGING, "You are not using binary logging")
}

/// SHOW BINLOG EVENTS.
pub(super) fn binlog_events() -> Shown {
    let columns = ["Log_name", "#Pos", "Event_type", "#Server_id", "#End_log_pos", "!Info"];
    Shown::new(&columns, Vec::new())
}

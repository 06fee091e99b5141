-- Variables that the configuration decides.
SHOW VARIABLES LIKE 'max_connections';
SHOW GLOBAL VARIABLES LIKE 'max_allowed_packet';
SELECT @@port > 0, @@hostname <> '', @@datadir LIKE '/%/', @@have_ssl, @@require_secure_transport;
SHOW VARIABLES LIKE 'bind_address';
SHOW VARIABLES LIKE 'connect_timeout';
SET GLOBAL require_secure_transport = ON;
SHOW STATUS LIKE 'Ssl%';

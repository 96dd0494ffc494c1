-- Creates the database and its user, and sets the passwords. Runs as root, as often as you like: when MySQL is first
-- initialized, and as its --init-file on every later start, so that a changed password takes effect with a restart.
-- The values come from the user variables @database, @user, @password and @root_password (see start-mysql.sh), so that
-- this file holds no secret. Account names and passwords cannot be parameters in MySQL: hence QUOTE and PREPARE.
-- An init file takes no delimiter other than a semicolon at the end of a line.

-- A client without a locale talks Latin-1, into which PREPARE would convert names and passwords.
SET NAMES utf8mb4;

SET @schema = CONCAT('`', REPLACE(@database, '`', '``'), '`');
-- In GRANT, _ and % in a database name are wildcards: escaped, so that the user gets this one database.
SET @schema_pattern = REPLACE(REPLACE(@schema, '_', '\_'), '%', '\%');
SET @account = CONCAT(QUOTE(@user), '@', QUOTE('%'));

SET @statement = CONCAT('CREATE DATABASE IF NOT EXISTS ', @schema, ' CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci');
PREPARE statement FROM @statement;
EXECUTE statement;

SET @statement = CONCAT('CREATE USER IF NOT EXISTS ', @account);
PREPARE statement FROM @statement;
EXECUTE statement;

SET @statement = CONCAT('ALTER USER ', @account, ' IDENTIFIED BY ', QUOTE(@password));
PREPARE statement FROM @statement;
EXECUTE statement;

SET @statement = CONCAT('REVOKE ALL PRIVILEGES, GRANT OPTION FROM ', @account);
PREPARE statement FROM @statement;
EXECUTE statement;

SET @statement = CONCAT('GRANT ALL PRIVILEGES ON ', @schema_pattern, '.* TO ', @account);
PREPARE statement FROM @statement;
EXECUTE statement;

SET @statement = CONCAT('ALTER USER ', QUOTE('root'), '@', QUOTE('localhost'), ' IDENTIFIED BY ', QUOTE(@root_password));
PREPARE statement FROM @statement;
EXECUTE statement;
DEALLOCATE PREPARE statement;

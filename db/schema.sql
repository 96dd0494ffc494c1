-- Creates the database and its user, and sets the passwords. Runs as root when MySQL is first initialized, and as its
-- --init-file on every later start. So a changed password takes effect with a restart.
-- start-mysql.sh sets @database, @user, @password and @root_password, so this file has no secret.
-- Account names and passwords cannot be parameters in MySQL. QUOTE and PREPARE insert them.
-- In an init file, only a semicolon at the end of a line ends a statement.

-- A client without a locale uses Latin-1, and PREPARE would convert names and passwords to it.
-- QUOTE escapes with backslashes, which the server's sql_mode may disable (NO_BACKSLASH_ESCAPES).
SET NAMES utf8mb4, sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION', group_concat_max_len = 1048576;

SET @schema = CONCAT('`', REPLACE(@database, '`', '``'), '`');
-- In GRANT, _ and % in a database name are wildcards. Without escaping, the user would get other databases too.
SET @schema_pattern = REPLACE(REPLACE(@schema, '_', '\_'), '%', '\%');
SET @account = CONCAT(QUOTE(@user), '@', QUOTE('%'));

SET @statement = CONCAT('CREATE DATABASE IF NOT EXISTS ', @schema, ' CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci');
PREPARE statement FROM @statement;
EXECUTE statement;

SET @statement = CONCAT('CREATE USER IF NOT EXISTS ', @account);
PREPARE statement FROM @statement;
EXECUTE statement;

SET @statement = CONCAT('ALTER USER ', @account, ' IDENTIFIED BY ', QUOTE(@password),
  ' ATTRIBUTE ', QUOTE('{"createdBy": "koa-blog"}'));
PREPARE statement FROM @statement;
EXECUTE statement;

SET @statement = CONCAT('REVOKE ALL PRIVILEGES, GRANT OPTION FROM ', @account);
PREPARE statement FROM @statement;
EXECUTE statement;

SET @statement = CONCAT('GRANT ALL PRIVILEGES ON ', @schema_pattern, '.* TO ', @account);
PREPARE statement FROM @statement;
EXECUTE statement;

-- After a change of the user's name, the former account must not log in any more. The attribute marks the accounts of
-- this file. Other accounts stay: a team may have created them, also those with rights on the blog's database.
-- Former accounts from before this attribute existed stay too. DROP USER removes one by hand.
SET @statement = (
  SELECT CONCAT('DROP USER ', GROUP_CONCAT(QUOTE(user), '@', QUOTE(host)))
  FROM information_schema.user_attributes
  WHERE attribute ->> '$.createdBy' = 'koa-blog' AND CONCAT(QUOTE(user), '@', QUOTE(host)) <> @account
);
-- Without such an account, the statement is NULL.
SET @statement = COALESCE(@statement, 'DO 0');
PREPARE statement FROM @statement;
EXECUTE statement;

SET @statement = CONCAT('ALTER USER ', QUOTE('root'), '@', QUOTE('localhost'), ' IDENTIFIED BY ', QUOTE(@root_password));
PREPARE statement FROM @statement;
EXECUTE statement;
DEALLOCATE PREPARE statement;

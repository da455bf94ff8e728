/*
 * A stand-in for AWSAuthenticationPlugin, which only RDS has: one shared object that MySQL 8.0 to 9.x and MariaDB 10.6 to 11.x load.
 *
 * It has the client send its token in the clear, as RDS's does, and asks a verifier at the socket $LAB_AUTH_SOCKET: four bytes of
 * length (little-endian), the user, a NUL, and the token. The verifier answers `1`, and the user is let in; anything else, or
 * nothing in five seconds, and it is not.
 *
 * Compiled without any header, so that the smallest compiler will do: what it needs of Linux on x86-64 and of the servers' plugin
 * interface (include/mysql/plugin.h and plugin_auth.h of both) is written down here.
 */
typedef unsigned long size_t;
typedef long ssize_t;

extern char *getenv(const char *name);
extern size_t strlen(const char *text);
extern void *memcpy(void *to, const void *from, size_t length);
extern int memcmp(const void *one, const void *other, size_t length);
extern void *malloc(size_t size);
extern void free(void *memory);
extern int socket(int domain, int type, int protocol);
extern int connect(int fd, const void *address, unsigned length);
extern int setsockopt(int fd, int level, int name, const void *value, unsigned length);
extern ssize_t send(int fd, const void *bytes, size_t length, int flags);
extern ssize_t recv(int fd, void *bytes, size_t length, int flags);
extern int close(int fd);

enum { AF_UNIX = 1, SOCK_STREAM = 1, SOCK_CLOEXEC = 02000000, SOL_SOCKET = 1, SO_RCVTIMEO = 20, SO_SNDTIMEO = 21, MSG_NOSIGNAL = 0x4000 };
struct timeval { long seconds, microseconds; };
struct sockaddr_un { unsigned short family; char path[108]; };

/* ---- the verifier */

static int allows(int fd, const struct sockaddr_un *verifier, const char *question, size_t length) {
  struct timeval patience = {5, 0};
  char answer = 0;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  return connect(fd, verifier, sizeof *verifier) == 0 && send(fd, question, length, MSG_NOSIGNAL) == (ssize_t)length &&
         recv(fd, &answer, 1, 0) == 1 && answer == '1';
}

static int is_let_in(const char *user, unsigned user_length, const char *token, int token_length) {
  const char *path = getenv("LAB_AUTH_SOCKET");
  struct sockaddr_un verifier = {AF_UNIX, {0}};
  unsigned length = user_length + 1 + token_length;
  char *question;
  int fd, verdict = 0;
  if (!path || strlen(path) >= sizeof verifier.path || !user || token_length <= 0) return 0;
  memcpy(verifier.path, path, strlen(path));
  if (!(question = malloc(4 + length))) return 0;
  memcpy(question, &length, 4);
  memcpy(question + 4, user, user_length);
  question[4 + user_length] = 0;
  memcpy(question + 4 + user_length + 1, token, token_length);
  if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) >= 0) {
    verdict = allows(fd, &verifier, question, 4 + length);
    close(fd);
  }
  free(question);
  return verdict;
}

/* ---- what both servers have alike */

enum { REFUSED = 0, LET_IN = -1, AUTHENTICATION = 7, GPL = 1 };
struct client {
  int (*read_packet)(struct client *, unsigned char **);
  int (*write_packet)(struct client *, const unsigned char *, int);
  void (*info)(struct client *, void *);
};

/* The server asked for mysql_clear_password already; the token comes with a NUL. */
static int token_of(struct client *client, unsigned char **token) {
  int length = client->read_packet(client, token);
  return length > 0 && (*token)[length - 1] == 0 ? length - 1 : length;
}

/* ---- MySQL */

struct mysql_login {
  char *user;
  unsigned user_length;
  const char *auth_string;
  unsigned long auth_string_length;
  char authenticated_as[97], external_user[512];
  int password_used;
};

static int mysql_authenticate(struct client *client, struct mysql_login *login) {
  unsigned char *token;
  int length = token_of(client, &token);
  login->password_used = length > 0;
  return is_let_in(login->user, login->user_length, (char *)token, length) ? LET_IN : REFUSED;
}

static int mysql_store(char *stored, unsigned *stored_length, const char *written, unsigned length) {
  if (*stored_length < length) return 1;
  memcpy(stored, written, length);
  *stored_length = length;
  return 0;
}

/* As on RDS, an account says AS 'RDS' and nothing else. */
static int mysql_validate(char *const written, unsigned length) { return !(length == 3 && memcmp(written, "RDS", 3) == 0); }

static int mysql_salt(const char *stored, unsigned length, unsigned char *salt, unsigned char *salt_length) {
  *salt_length = 0;
  return 0;
}

static struct {
  int version;
  const char *client_plugin;
  int (*authenticate)(struct client *, struct mysql_login *);
  int (*store)(char *, unsigned *, const char *, unsigned);
  int (*validate)(char *const, unsigned);
  int (*salt)(const char *, unsigned, unsigned char *, unsigned char *);
  unsigned long flags;
  void *compare;
} mysql_authentication = {0x0201, "mysql_clear_password", mysql_authenticate, mysql_store, mysql_validate, mysql_salt, 0, 0};

struct mysql_plugin {
  int type;
  void *info;
  const char *name, *author, *description;
  int license;
  void *init, *check_uninstall, *deinit;
  unsigned version;
  void *status, *variables, *reserved;
  unsigned long flags;
};
int _mysql_plugin_interface_version_ = 0x010B;
int _mysql_sizeof_struct_st_plugin_ = sizeof(struct mysql_plugin);
struct mysql_plugin _mysql_plugin_declarations_[] = {
    {AUTHENTICATION, &mysql_authentication, "AWSAuthenticationPlugin", "rolecall lab", "stand-in for that of RDS", GPL, 0, 0, 0, 0x0100, 0, 0, 0, 0},
    {0},
};

/* ---- MariaDB */

struct mariadb_login {
  const char *user;
  unsigned user_length;
  const char *auth_string;
  unsigned long auth_string_length;
  char authenticated_as[513], external_user[513];
  int password_used;
};

static int mariadb_authenticate(struct client *client, struct mariadb_login *login) {
  unsigned char *token;
  int length = token_of(client, &token);
  login->password_used = length > 0;
  return is_let_in(login->user, login->user_length, (char *)token, length) ? LET_IN : REFUSED;
}

static struct {
  int version;
  const char *client_plugin;
  int (*authenticate)(struct client *, struct mariadb_login *);
  void *hash, *preprocess;
} mariadb_authentication = {0x0202, "mysql_clear_password", mariadb_authenticate, 0, 0};

struct mariadb_plugin {
  int type;
  void *info;
  const char *name, *author, *description;
  int license;
  void *init, *deinit;
  unsigned version;
  void *status, *variables;
  const char *version_text;
  unsigned maturity;
};
int _maria_plugin_interface_version_ = 0x010f;
int _maria_sizeof_struct_st_plugin_ = sizeof(struct mariadb_plugin);
struct mariadb_plugin _maria_plugin_declarations_[] = {
    {AUTHENTICATION, &mariadb_authentication, "AWSAuthenticationPlugin", "rolecall lab", "stand-in for that of RDS", GPL, 0, 0, 0x0100, 0, 0, "1.0", 4},
    {0},
};

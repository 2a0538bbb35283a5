/*
 * The hosts' side of a simulated fleet, one program under several names. Built by bench.fleet.machine; Linux only.
 *
 * fleet-accept PORT FOLDER SSHD CONFIG: listens on all addresses, and starts one sshd for each connection (`sshd -i`), which sees
 *     the files of the host with that address (FOLDER/ADDRESS/...) in their usual places. Ends with its parent.
 * docker system dial-stdio: standard input and output to the host's Docker socket and back, as Docker's own command does.
 * nsenter -t PID -n COMMAND...: starts COMMAND, which knows PID by the variable FLEET_PID.
 * any other name: sends its arguments to the simulator, by the host's Docker socket, prints the answer and exits as it says.
 *
 * It is C because a fleet starts it several times for each host and command, and a start of Python costs fifty times as much.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const SOCKET = "/run/docker.sock";

static void fail(const char *what) {
  perror(what);
  exit(255);
}

static int to_simulator(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, SOCKET);
  int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof address) < 0) fail(SOCKET);
  return connection;
}

static int write_all(int to, const char *data, size_t size) {
  while (size > 0) {
    ssize_t written = write(to, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return -1;
    data += written;
    size -= (size_t)written;
  }
  return 0;
}

static int dial_stdio(void) {
  static char data[65536];
  int connection = to_simulator();
  struct pollfd ends[2] = {{.fd = 0, .events = POLLIN}, {.fd = connection, .events = POLLIN}};
  while (ends[1].fd >= 0) {
    if (poll(ends, 2, -1) < 0 && errno != EINTR) fail("poll");
    for (int end = 0; end < 2; end++) {
      if (ends[end].fd < 0 || ends[end].revents == 0) continue;
      ssize_t got = read(ends[end].fd, data, sizeof data);
      if (got > 0 && write_all(end == 0 ? connection : 1, data, (size_t)got) == 0) continue;
      if (end == 0) shutdown(connection, SHUT_WR);
      ends[end].fd = -1;
    }
  }
  return 0;
}

static int ask(int count, char **arguments) {
  char head[256], *body = NULL, *answer = NULL;
  size_t size = 0, got = 0;
  const char *pid = getenv("FLEET_PID");
  FILE *text = open_memstream(&body, &size);
  fprintf(text, "%s%c%s", pid ? pid : "", 0, basename(arguments[0]));
  for (int number = 1; number < count; number++) fprintf(text, "%c%s", 0, arguments[number]);
  fclose(text);
  int connection = to_simulator();
  int length = snprintf(head, sizeof head, "POST /fleet/tool HTTP/1.1\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n", size);
  if (write_all(connection, head, (size_t)length) < 0 || write_all(connection, body, size) < 0) fail("write");
  for (;;) {
    answer = realloc(answer, got + 65537);
    ssize_t more = read(connection, answer + got, 65536);
    if (more < 0) fail("read");
    if (more == 0) break;
    got += (size_t)more;
  }
  answer[got] = 0;
  char *end = strstr(answer, "\r\n\r\n"), *status = strstr(answer, "Exit-Status: ");
  if (end == NULL || status == NULL || status > end) {
    fprintf(stderr, "the simulator gave no answer\n");
    return 255;
  }
  end += 4;
  /* Docker's command line and the others write what went wrong to standard error. */
  int code = atoi(status + strlen("Exit-Status: "));
  write_all(code == 0 ? 1 : 2, end, got - (size_t)(end - answer));
  return code;
}

static int nsenter(int count, char **arguments) {
  int number = 1;
  for (; number < count && arguments[number][0] == '-'; number++) {
    if (strcmp(arguments[number], "-t") == 0 && number + 1 < count) setenv("FLEET_PID", arguments[++number], 1);
  }
  if (number == count) return 255;
  execvp(arguments[number], arguments + number);
  fail(arguments[number]);
  return 255;
}

static void put(const char *folder, const char *host, const char *file, const char *place) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s/%s", folder, host, file);
  if (mount(path, place, NULL, MS_BIND, NULL) < 0) fail(path);
}

static void serve(int connection, const char *folder, char **sshd) {
  struct sockaddr_in here;
  socklen_t size = sizeof here;
  char host[INET_ADDRSTRLEN];
  int yes = 1;
  if (getsockname(connection, (struct sockaddr *)&here, &size) < 0) fail("getsockname");
  inet_ntop(AF_INET, &here.sin_addr, host, sizeof host);
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (unshare(CLONE_NEWNS) < 0) fail("unshare");
  put(folder, host, "docker.sock", SOCKET);
  put(folder, host, "machine-id", "/etc/machine-id");
  put(folder, host, "boot_id", "/proc/sys/kernel/random/boot_id");
  put(folder, host, "home", "/root");
  dup2(connection, 0);
  dup2(connection, 1);
  signal(SIGCHLD, SIG_DFL);
  execv(sshd[0], sshd);
  fail(sshd[0]);
}

static void accept_all(char **arguments) {
  char *sshd[] = {arguments[3], "-i", "-f", arguments[4], NULL};
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[1])), .sin_addr.s_addr = INADDR_ANY};
  int yes = 1, listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  /* So what a connection leaves behind stays below this process, where it is counted as the hosts'. */
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listening, (struct sockaddr *)&any, sizeof any) < 0 || listen(listening, 4096) < 0) fail("listen");
  /* Ended children leave nothing to wait for. Their CPU time is still counted, as this process's children's. */
  signal(SIGCHLD, SIG_DFL);
  write_all(1, "ready\n", 6);
  for (;;) {
    int connection = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
    if (connection < 0) continue;
    if (fork() == 0) serve(connection, arguments[2], sshd);
    close(connection);
  }
}

int main(int count, char **arguments) {
  const char *name = basename(arguments[0]);
  if (strcmp(name, "fleet-accept") == 0 && count == 5) accept_all(arguments);
  if (strcmp(name, "docker") == 0 && count == 3 && strcmp(arguments[1], "system") == 0) return dial_stdio();
  if (strcmp(name, "nsenter") == 0) return nsenter(count, arguments);
  return ask(count, arguments);
}

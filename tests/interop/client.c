/*
 * A person without a screen: loads libpurple with the unmodified pidgin-sipe plugin, signs in to a server and does what
 * a list of steps says. `--help` shows the options, `--steps` the steps.
 *
 * What happens is told on standard output, one line each: "ok STEP" and "failed STEP: REASON" answer a step, anything
 * else is indented.
 *
 * Exit status: 0 all steps done, 1 a step failed, 2 usage or set-up, 3 sign-in refused or connection lost.
 */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>
#include <purple.h>

#define UI "parlor-interop"
#define TICK_MS 50
/* Time for the plugin's last bytes (its sign-off) to leave. */
#define FLUSH_SECONDS 0.3

enum { DONE = 0, STEP_FAILED = 1, SET_UP_FAILED = 2, NOT_CONNECTED = 3 };

/* --- options --------------------------------------------------------------------------------------------------- */

static gchar *user, *login, *password, *server, *transport = "tls", *scheme = "ntlm", *trust, *computer, *log_name;
static gint patience = 20;
static gboolean list_steps;
static gchar **step_arguments;

static GOptionEntry options[] = {
	{ "user", 0, 0, G_OPTION_ARG_STRING, &user, "sign-in address", "USER@DOMAIN" },
	{ "login", 0, 0, G_OPTION_ARG_STRING, &login, "account name, when it differs from the address", "DOMAIN\\NAME" },
	{ "password", 0, 0, G_OPTION_ARG_STRING, &password, "password", "TEXT" },
	{ "server", 0, 0, G_OPTION_ARG_STRING, &server, "where to connect", "HOST:PORT" },
	{ "transport", 0, 0, G_OPTION_ARG_STRING, &transport, "tls (default) or tcp", "NAME" },
	{ "scheme", 0, 0, G_OPTION_ARG_STRING, &scheme, "ntlm (default), krb5, tls-dsk or auto", "NAME" },
	{ "trust", 0, 0, G_OPTION_ARG_FILENAME, &trust, "folder with the authorities (*.pem) that are trusted", "DIR" },
	{ "computer", 0, 0, G_OPTION_ARG_STRING, &computer, "computer name; the plugin's epid depends on it", "NAME" },
	{ "patience", 0, 0, G_OPTION_ARG_INT, &patience, "seconds that a step may take (20)", "N" },
	{ "log", 0, 0, G_OPTION_ARG_FILENAME, &log_name, "write all debug output, with SIP messages", "FILE" },
	{ "steps", 0, 0, G_OPTION_ARG_NONE, &list_steps, "list the steps", NULL },
	{ G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &step_arguments, "steps; - reads them from standard input",
	  "STEP..." },
	{ NULL, 0, 0, 0, NULL, NULL, NULL }
};

/*
 * The plugin finds this before GLib's own: two clients of one user on one computer would have one epid, and another
 * computer name gives another.
 */
const gchar *g_get_host_name(void)
{
	return computer ? computer : "interop";
}

/* --- what happened so far ---------------------------------------------------------------------------------------- */

struct message {
	gchar *from, *text;
	gboolean is_im, is_history, is_taken;
};

static GMainLoop *loop;
static PurpleAccount *account;
static PurpleConversation *room;        /* the room entered last */
static PurpleRoomlist *rooms;
static GPtrArray *messages;
static GPtrArray *typing;               /* addresses that typed */
static GString *heard;                  /* SIP messages that came since the last step that is not `heard` */
static gchar *loss;                     /* why the connection ended, while it is down */
static gchar *error;                    /* the last error shown to the user, until a step takes it */
static gboolean in_backchat;            /* the SIP message being handled brings a room's history */
static guint backchats, parts;
static FILE *log_file;

static GQueue steps = G_QUEUE_INIT;
static gboolean more_steps;             /* standard input may bring further ones */
static int status = DONE;

static void tell(const char *format, ...) G_GNUC_PRINTF(1, 2);
static void tell(const char *format, ...)
{
	va_list arguments;

	fputs("  ", stdout);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
}

static const char *bare(const char *address)
{
	return address && g_str_has_prefix(address, "sip:") ? address + 4 : address;
}

static gboolean same_address(const char *a, const char *b)
{
	return a && b && !g_ascii_strcasecmp(bare(a), bare(b));
}

static gchar *sip_uri(const char *address)
{
	return g_strconcat("sip:", bare(address), NULL);
}

/* "ADDRESS REST" -> ADDRESS, and where REST begins. */
static gchar *first_word(const char *argument, const char **rest)
{
	const char *end = strchr(argument, ' ');

	*rest = end ? end + 1 : "";
	return end ? g_strndup(argument, end - argument) : g_strdup(argument);
}

static PurpleConnection *connection(void)
{
	PurpleConnection *found = purple_account_get_connection(account);

	return found && PURPLE_CONNECTION_IS_CONNECTED(found) ? found : NULL;
}

/* --- the step that is being done --------------------------------------------------------------------------------- */

struct step;
static struct {
	gchar *text, *argument;
	const struct step *step;        /* none: between two steps */
	gint64 began;
	gint patience;
	guint backchats, parts;         /* what was counted when it began */
} now;

static double age(void)
{
	return (g_get_monotonic_time() - now.began) / 1e6;
}

static void finish(int with)
{
	status = with;
	g_main_loop_quit(loop);
}

static void fail(int with, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void fail(int with, const char *format, ...)
{
	va_list arguments;

	printf("failed %s: ", now.text ? now.text : "to start");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
	finish(with);
}

/* --- steps: `begin` runs once, `is_done` is asked until it says yes ----------------------------------------------- */

struct step {
	const char *verb, *help;
	void (*begin)(const char *argument);
	gboolean (*is_done)(const char *argument);
};

static void begin_connect(const char *argument)
{
	(void)argument;
	backchats = 0;
	g_clear_pointer(&loss, g_free);
	g_clear_pointer(&error, g_free);
	if (purple_account_get_enabled(account, UI))
		purple_account_connect(account);
	else
		purple_account_set_enabled(account, UI, TRUE);
}

static gboolean is_connected(const char *argument)
{
	(void)argument;
	return connection() != NULL;
}

static gboolean is_refused(const char *argument)
{
	if (connection())
		fail(STEP_FAILED, "the sign-in was accepted");
	else if (loss && !strstr(loss, argument))
		fail(STEP_FAILED, "refused for another reason: %s", loss);
	return loss != NULL;
}

/* libpurple has let go of the connection as well, so that the next one can begin. */
static gboolean is_dropped(const char *argument)
{
	(void)argument;
	return loss && !purple_account_get_connection(account);
}

static void begin_disconnect(const char *argument)
{
	(void)argument;
	if (purple_account_get_connection(account))
		purple_account_disconnect(account);
}

static gboolean is_disconnected(const char *argument)
{
	(void)argument;
	return !purple_account_get_connection(account) && age() > FLUSH_SECONDS;
}

static void begin_rooms(const char *argument)
{
	(void)argument;
	if (rooms)
		purple_roomlist_unref(rooms);
	rooms = NULL;
}

static gboolean is_room_list_there(const char *argument)
{
	(void)argument;
	/* The plugin gives no list until its group chat dialog stands; a user would press the button again. */
	if (!rooms && connection()) {
		rooms = purple_roomlist_get_list(connection());
		if (rooms)
			purple_roomlist_ref(rooms);
	}
	return rooms && !purple_roomlist_get_in_progress(rooms);
}

static PurpleRoomlistRoom *find_room(const char *name)
{
	GList *item;

	for (item = rooms ? rooms->rooms : NULL; item; item = item->next)
		if (!strcmp(purple_roomlist_room_get_name(item->data), name))
			return item->data;
	return NULL;
}

static void begin_lists(const char *name)
{
	if (!find_room(name))
		fail(STEP_FAILED, "no such room in the list");
}

static void begin_join(const char *name)
{
	PurpleRoomlistRoom *found = find_room(name);

	g_clear_pointer(&error, g_free);
	if (!found)
		fail(STEP_FAILED, "no such room in the list; `rooms` fetches it");
	else
		purple_roomlist_room_join(rooms, found);
}

static gboolean is_joined(const char *argument)
{
	(void)argument;
	if (error)
		fail(STEP_FAILED, "%s", error);
	return room && backchats > now.backchats;
}

/* Entering again after a new sign-in is the plugin's own doing, as soon as it signed in. */
static gboolean is_rejoined(const char *argument)
{
	(void)argument;
	return room && backchats > 0 && !purple_conv_chat_has_left(PURPLE_CONV_CHAT(room));
}

static PurpleConvChat *current_room(void)
{
	if (room)
		return PURPLE_CONV_CHAT(room);
	fail(STEP_FAILED, "in no room");
	return NULL;
}

static PurpleConvChatBuddy *on_roster(const char *address)
{
	GList *item = room ? purple_conv_chat_get_users(PURPLE_CONV_CHAT(room)) : NULL;

	for (; item; item = item->next)
		if (same_address(purple_conv_chat_cb_get_name(item->data), address))
			return item->data;
	return NULL;
}

static gboolean is_present(const char *address)
{
	return on_roster(address) != NULL;
}

static gboolean is_absent(const char *address)
{
	return current_room() && !on_roster(address);
}

static gboolean is_operator(const char *address)
{
	PurpleConvChatBuddy *found = on_roster(address);

	return found && (found->flags & PURPLE_CBFLAGS_OP);
}

static gboolean is_topic(const char *text)
{
	const char *topic = room ? purple_conv_chat_get_topic(PURPLE_CONV_CHAT(room)) : NULL;

	return topic && strstr(topic, text);
}

/* What a user typed, as the HTML that a user interface hands to libpurple; \n in a step is a new line. */
static gchar *typed(const char *text)
{
	gchar **lines = g_strsplit(text, "\\n", 0), **line, *html;

	for (line = lines; *line; line++) {
		gchar *escaped = g_markup_escape_text(*line, -1);
		g_free(*line);
		*line = escaped;
	}
	html = g_strjoinv("<br>", lines);
	g_strfreev(lines);
	return html;
}

static void begin_say(const char *text)
{
	PurpleConvChat *chat = current_room();
	gchar *html = typed(text);

	g_clear_pointer(&error, g_free);
	if (chat)
		purple_conv_chat_send(chat, html);
	g_free(html);
}

static gboolean take_message(const char *text, gboolean is_im, gboolean is_history, gboolean is_own, const char *from)
{
	guint i;

	for (i = 0; i < messages->len; i++) {
		struct message *message = g_ptr_array_index(messages, i);
		if (message->is_taken || message->is_im != is_im || message->is_history != is_history)
			continue;
		if (!is_history && same_address(message->from, user) != is_own)
			continue;
		if ((from && !same_address(message->from, from)) || !strstr(message->text, text))
			continue;
		message->is_taken = !is_history;
		return TRUE;
	}
	return FALSE;
}

/* A post is done when the server shows it to its author. */
static gboolean is_echoed(const char *text)
{
	gchar **lines = g_strsplit(text, "\\n", 0), *expected = g_strjoinv("\n", lines);
	gboolean found = take_message(expected, FALSE, FALSE, TRUE, NULL);

	g_free(expected);
	g_strfreev(lines);
	if (!found && error)
		fail(STEP_FAILED, "%s", error);
	return found;
}

static gboolean is_expected(const char *text)
{
	return take_message(text, FALSE, FALSE, FALSE, NULL);
}

static gboolean is_own_shown(const char *text)
{
	return take_message(text, FALSE, FALSE, TRUE, NULL);
}

static void begin_history(const char *text)
{
	if (!take_message(text, FALSE, TRUE, FALSE, NULL))
		fail(STEP_FAILED, "not in the room's history");
}

static void begin_leave(const char *argument)
{
	(void)argument;
	if (!current_room())
		return;
	purple_conversation_destroy(room);
	room = NULL;
}

static gboolean is_left(const char *argument)
{
	(void)argument;
	return parts > now.parts;
}

static void begin_im(const char *argument)
{
	const char *text;
	gchar *address = first_word(argument, &text), *uri = sip_uri(address), *html = typed(text);
	PurpleConversation *im = purple_find_conversation_with_account(PURPLE_CONV_TYPE_IM, uri, account);

	g_clear_pointer(&error, g_free);
	if (!im)
		im = purple_conversation_new(PURPLE_CONV_TYPE_IM, account, uri);
	purple_conv_im_send(PURPLE_CONV_IM(im), html);
	g_free(html);
	g_free(uri);
	g_free(address);
}

static gboolean is_im_there(const char *argument)
{
	const char *text;
	gchar *address = first_word(argument, &text);
	gboolean found = take_message(text, TRUE, FALSE, FALSE, address);

	g_free(address);
	return found;
}

static void begin_typing(const char *address)
{
	gchar *uri = sip_uri(address);

	serv_send_typing(connection(), uri, PURPLE_TYPING);
	g_free(uri);
}

static gboolean is_typing(const char *address)
{
	guint i;

	for (i = 0; i < typing->len; i++)
		if (same_address(g_ptr_array_index(typing, i), address))
			return g_ptr_array_remove_index(typing, i) != NULL;
	return FALSE;
}

static PurpleBuddy *find_contact(const char *address)
{
	gchar *uri = sip_uri(address);
	PurpleBuddy *found = purple_find_buddy(account, uri);

	g_free(uri);
	return found;
}

static void begin_contact(const char *address)
{
	const char *name = "Other Contacts"; /* the plugin's own name for the group without a name */
	PurpleGroup *group = purple_find_group(name);
	gchar *uri = sip_uri(address);
	PurpleBuddy *buddy = purple_buddy_new(account, uri, NULL);

	if (!group) {
		group = purple_group_new(name);
		purple_blist_add_group(group, NULL);
	}
	purple_blist_add_buddy(buddy, NULL, group, NULL);
	purple_account_add_buddy(account, buddy);
	g_free(uri);
}

static gboolean is_contact(const char *address)
{
	return find_contact(address) != NULL;
}

static void begin_no_contact(const char *address)
{
	PurpleBuddy *buddy = find_contact(address);

	if (!buddy) {
		fail(STEP_FAILED, "not a contact");
		return;
	}
	purple_account_remove_buddy(account, buddy, purple_buddy_get_group(buddy));
	purple_blist_remove_buddy(buddy);
}

static void begin_stranger(const char *address)
{
	if (find_contact(address))
		fail(STEP_FAILED, "still a contact");
}

static gboolean is_seen_as(const char *argument)
{
	const char *wanted;
	gchar *address = first_word(argument, &wanted);
	PurpleBuddy *buddy = find_contact(address);
	PurpleStatus *shown = buddy ? purple_presence_get_active_status(purple_buddy_get_presence(buddy)) : NULL;

	g_free(address);
	return shown && !strcmp(purple_status_get_id(shown), wanted);
}

static void begin_status(const char *id)
{
	if (purple_account_get_status(account, id))
		purple_account_set_status(account, id, TRUE, NULL);
	else
		fail(STEP_FAILED, "the plugin has no such status");
}

static gboolean is_error_shown(const char *text)
{
	if (!error || !strstr(error, text))
		return FALSE;
	g_clear_pointer(&error, g_free);
	return TRUE;
}

static gboolean is_heard(const char *pattern)
{
	gchar **lines = g_strsplit(heard->str, "\n", 0), **line;
	gboolean found = FALSE;

	for (line = lines; *line && !found; line++)
		found = g_pattern_match_simple(pattern, g_strchomp(*line));
	g_strfreev(lines);
	return found;
}

static gboolean is_unheard(const char *pattern)
{
	if (is_heard(pattern))
		fail(STEP_FAILED, "it came");
	return TRUE;
}

static void begin_wait(const char *seconds)
{
	now.patience = atoi(seconds) + patience;
}

static gboolean is_waited(const char *seconds)
{
	return age() >= atof(seconds);
}

static void begin_end(const char *argument)
{
	(void)argument;
	finish(DONE);
}

static const struct step all_steps[] = {
	{ "connect", "sign in", begin_connect, is_connected },
	{ "refused", "TEXT: sign in and be refused with this text", begin_connect, is_refused },
	{ "dropped", "the server's end of the connection went away", NULL, is_dropped },
	{ "disconnect", "sign off", begin_disconnect, is_disconnected },
	{ "rooms", "fetch the list of rooms", begin_rooms, is_room_list_there },
	{ "lists", "NAME: the list has this room", begin_lists, NULL },
	{ "join", "NAME: enter a room of the list; done when roster and history are there", begin_join, is_joined },
	{ "rejoined", "the room is entered again after a new sign-in", NULL, is_rejoined },
	{ "present", "ADDRESS: is on the roster", NULL, is_present },
	{ "absent", "ADDRESS: is not on the roster", NULL, is_absent },
	{ "operator", "ADDRESS: is shown as an operator", NULL, is_operator },
	{ "topic", "TEXT: stands in the room's topic", NULL, is_topic },
	{ "history", "TEXT: stands in the history that came with entering", begin_history, NULL },
	{ "say", "TEXT: post and see it come back; \\n begins a new line", begin_say, is_echoed },
	{ "unsaid", "TEXT: post and not wait; `error` sees it fail", begin_say, NULL },
	{ "expect", "TEXT: somebody else posts this", NULL, is_expected },
	{ "own", "TEXT: a post that this user made elsewhere is shown", NULL, is_own_shown },
	{ "leave", "leave the room", begin_leave, is_left },
	{ "im", "ADDRESS TEXT: send a message to one person", begin_im, NULL },
	{ "expect-im", "ADDRESS TEXT: this person sends that message", NULL, is_im_there },
	{ "type", "ADDRESS: type to one person", begin_typing, NULL },
	{ "expect-typing", "ADDRESS: this person types", NULL, is_typing },
	{ "contact", "ADDRESS: add a contact", begin_contact, NULL },
	{ "no-contact", "ADDRESS: remove a contact", begin_no_contact, NULL },
	{ "knows", "ADDRESS: is a contact", NULL, is_contact },
	{ "stranger", "ADDRESS: is not a contact", begin_stranger, NULL },
	{ "sees", "ADDRESS STATUS: the contact is available, busy, away, offline...", NULL, is_seen_as },
	{ "status", "STATUS: publish one's own", begin_status, NULL },
	{ "error", "TEXT: an error with this text is shown", NULL, is_error_shown },
	{ "heard", "PATTERN: a line of SIP like this came during the step before", NULL, is_heard },
	{ "unheard", "PATTERN: no line of SIP like this came during the step before", NULL, is_unheard },
	{ "wait", "SECONDS: stay", begin_wait, is_waited },
	{ "end", "leave the program; the end of the steps does it, too", begin_end, NULL },
};

/* "[within SECONDS] VERB [ARGUMENT]" */
static void begin_step(gchar *text)
{
	const char *rest = text;
	gchar *verb = first_word(rest, &rest);
	guint i;

	g_free(now.text);
	g_free(now.argument);
	now.text = text;
	now.argument = NULL;
	now.patience = patience;
	if (!strcmp(verb, "within")) {
		g_free(verb);
		verb = first_word(rest, &rest);
		now.patience = atoi(verb);
		g_free(verb);
		verb = first_word(rest, &rest);
	}
	for (i = 0; i < G_N_ELEMENTS(all_steps) && strcmp(all_steps[i].verb, verb); i++)
		;
	g_free(verb);
	if (i == G_N_ELEMENTS(all_steps)) {
		fail(SET_UP_FAILED, "no such step; --steps lists them");
		return;
	}
	now.step = &all_steps[i];
	now.argument = g_strdup(rest);
	now.began = g_get_monotonic_time();
	now.backchats = backchats;
	now.parts = parts;
	if (now.step->is_done != is_heard && now.step->is_done != is_unheard)
		g_string_truncate(heard, 0);
	if (now.step->begin)
		now.step->begin(now.argument);
}

static gboolean needs_connection(void)
{
	return now.step->is_done != is_refused && now.step->is_done != is_dropped && now.step->begin != begin_disconnect &&
	       now.step->begin != begin_end;
}

static gboolean tick(gpointer data)
{
	(void)data;
	if (!g_main_loop_is_running(loop))
		return G_SOURCE_REMOVE;
	if (!now.step) {
		gchar *next = g_queue_pop_head(&steps);
		if (next)
			begin_step(next);
		else if (!more_steps)
			finish(DONE);
	}
	if (!now.step || !g_main_loop_is_running(loop))
		return G_SOURCE_CONTINUE;
	if (loss && needs_connection())
		fail(NOT_CONNECTED, "%s", loss);
	else if (!now.step->is_done || now.step->is_done(now.argument)) {
		if (!g_main_loop_is_running(loop))
			return G_SOURCE_REMOVE; /* its check failed */
		printf("ok %s\n", now.text);
		fflush(stdout);
		now.step = NULL;
	} else if (age() > now.patience && g_main_loop_is_running(loop))
		fail(STEP_FAILED, "did not happen within %d s%s%s", now.patience, error ? "; shown: " : "", error ? error : "");
	return G_SOURCE_CONTINUE;
}

static gboolean read_step(GIOChannel *input, GIOCondition condition, gpointer data)
{
	gchar *line = NULL;

	(void)condition;
	(void)data;
	if (g_io_channel_read_line(input, &line, NULL, NULL, NULL) != G_IO_STATUS_NORMAL) {
		more_steps = FALSE;
		return G_SOURCE_REMOVE;
	}
	g_queue_push_tail(&steps, g_strchomp(line));
	return G_SOURCE_CONTINUE;
}

/* --- what libpurple tells its user interface ---------------------------------------------------------------------- */

static void show_error(const char *text)
{
	tell("error: %s", text);
	g_free(error);
	error = g_strdup(text);
}

static void remember(PurpleConversation *conversation, const char *from, const char *html, gboolean is_im)
{
	struct message *message = g_new0(struct message, 1);
	gchar *lines = purple_strdup_withhtml(html); /* a bare line end is one, too */

	message->from = g_strdup(from);
	message->text = purple_markup_strip_html(lines);
	message->is_im = is_im;
	message->is_history = in_backchat;
	g_free(lines);
	g_ptr_array_add(messages, message);
	tell("%s %s, %s: %s", in_backchat ? "earlier in" : "in", purple_conversation_get_name(conversation), bare(from),
	     message->text);
}

static void write_chat(PurpleConversation *conversation, const char *who, const char *html, PurpleMessageFlags flags,
		        time_t when)
{
	(void)when;
	if (flags & (PURPLE_MESSAGE_SEND | PURPLE_MESSAGE_RECV))
		remember(conversation, who, html, FALSE);
}

static void write_im(PurpleConversation *conversation, const char *who, const char *html, PurpleMessageFlags flags,
		     time_t when)
{
	(void)when;
	if (flags & PURPLE_MESSAGE_RECV)
		remember(conversation, who, html, TRUE);
}

static void write_conversation(PurpleConversation *conversation, const char *name, const char *alias, const char *html,
			       PurpleMessageFlags flags, time_t when)
{
	gchar *text = purple_markup_strip_html(html);

	(void)conversation;
	(void)name;
	(void)alias;
	(void)when;
	if (flags & PURPLE_MESSAGE_ERROR)
		show_error(text);
	g_free(text);
}

static void *notify_message(PurpleNotifyMsgType type, const char *title, const char *primary, const char *secondary)
{
	gchar *text = g_strjoin(": ", primary ? primary : title, secondary, NULL);

	if (type == PURPLE_NOTIFY_MSG_ERROR)
		show_error(text);
	else
		tell("note: %s", text);
	g_free(text);
	return NULL;
}

/* libpurple asks by itself whether to accept a certificate. Who was told whom to trust says no. */
static void *ask_action(const char *title, const char *primary, const char *secondary, int preset, PurpleAccount *about,
			const char *who, PurpleConversation *conversation, void *data, size_t count, va_list actions)
{
	(void)title;
	(void)preset;
	(void)about;
	(void)who;
	(void)conversation;
	tell("asked: %s %s", primary ? primary : "", secondary ? secondary : "");
	for (size_t i = 0; i < count; i++) {
		const char *label = va_arg(actions, const char *);
		PurpleRequestActionCb answer = va_arg(actions, PurpleRequestActionCb);
		if (strstr(label, trust ? "Reject" : "Accept")) {
			tell("answered: %s", label);
			answer(data, (int)i);
			break;
		}
	}
	return NULL;
}

/* SIP messages pass here before the plugin handles them. */
static void print_debug(PurpleDebugLevel level, const char *category, const char *text)
{
	(void)level;
	if (log_file) {
		fprintf(log_file, "%s: %s%s", category ? category : "-", text, g_str_has_suffix(text, "\n") ? "" : "\n");
		fflush(log_file);
	}
	if (!category || strcmp(category, "sipe") || !strstr(text, "MESSAGE START <<<<<<<<<<"))
		return;
	g_string_append(heard, text);
	in_backchat = strstr(text, "\"rpl:bccontext\"") != NULL;
	backchats += in_backchat;
	parts += strstr(text, "\"rpl:part\"") != NULL;
}

static void connection_error(PurpleConnection *about, PurpleConnectionError reason, const char *text)
{
	(void)about;
	(void)reason;
	tell("connection lost: %s", text);
	g_free(loss);
	loss = g_strdup(text);
}

static void chat_joined(PurpleConversation *conversation)
{
	room = conversation;
	tell("joined %s", purple_conversation_get_name(conversation));
}

static void buddy_typing(PurpleAccount *about, const char *name)
{
	(void)about;
	g_ptr_array_add(typing, g_strdup(name));
}

static void status_changed(PurpleBuddy *buddy, PurpleStatus *before, PurpleStatus *after)
{
	(void)before;
	tell("%s is %s", bare(purple_buddy_get_name(buddy)), purple_status_get_id(after));
}

struct watch {
	PurpleInputFunction call;
	gpointer data;
};

static gboolean run_watch(GIOChannel *channel, GIOCondition condition, gpointer data)
{
	struct watch *watch = data;
	PurpleInputCondition what = 0;

	if (condition & (G_IO_IN | G_IO_HUP | G_IO_ERR))
		what |= PURPLE_INPUT_READ;
	if (condition & (G_IO_OUT | G_IO_HUP | G_IO_ERR))
		what |= PURPLE_INPUT_WRITE;
	watch->call(watch->data, g_io_channel_unix_get_fd(channel), what);
	return G_SOURCE_CONTINUE;
}

static guint add_watch(gint fd, PurpleInputCondition what, PurpleInputFunction call, gpointer data)
{
	struct watch *watch = g_new(struct watch, 1);
	GIOChannel *channel = g_io_channel_unix_new(fd);
	GIOCondition condition = G_IO_HUP | G_IO_ERR;
	guint id;

	watch->call = call;
	watch->data = data;
	if (what & PURPLE_INPUT_READ)
		condition |= G_IO_IN;
	if (what & PURPLE_INPUT_WRITE)
		condition |= G_IO_OUT;
	id = g_io_add_watch_full(channel, G_PRIORITY_DEFAULT, condition, run_watch, watch, g_free);
	g_io_channel_unref(channel);
	return id;
}

static PurpleEventLoopUiOps event_loop = {
	.timeout_add = g_timeout_add,
	.timeout_remove = g_source_remove,
	.input_add = add_watch,
	.input_remove = g_source_remove,
	.timeout_add_seconds = g_timeout_add_seconds,
};
static PurpleConversationUiOps conversations = {
	.write_chat = write_chat,
	.write_im = write_im,
	.write_conv = write_conversation,
};
static PurpleNotifyUiOps notifications = { .notify_message = notify_message };
static PurpleRequestUiOps requests = { .request_action = ask_action };
static PurpleDebugUiOps debugging = { .print = print_debug };

static void set_up_interface(void)
{
	purple_conversations_set_ui_ops(&conversations);
	purple_notify_set_ui_ops(&notifications);
	purple_request_set_ui_ops(&requests);
}
static PurpleCoreUiOps core = { .ui_init = set_up_interface };

/* --- start ----------------------------------------------------------------------------------------------------- */

static void print_nothing(const gchar *text)
{
	(void)text;
}

static void log_glib(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer data)
{
	(void)level;
	(void)data;
	if (log_file)
		fprintf(log_file, "glib %s: %s\n", domain ? domain : "-", text);
}

static gboolean start_libpurple(const char *folder)
{
	g_set_print_handler(print_nothing);
	g_log_set_default_handler(log_glib, NULL);
	purple_util_set_user_dir(folder);
	purple_debug_set_ui_ops(&debugging);
	purple_debug_set_enabled(TRUE);
	purple_debug_set_unsafe(TRUE); /* else the plugin does not show its SIP messages */
	purple_core_set_ui_ops(&core);
	purple_eventloop_set_ui_ops(&event_loop);
	purple_plugins_add_search_path(PLUGINS);
	if (trust)
		purple_certificate_add_ca_search_path(trust);
	if (!purple_core_init(UI))
		return FALSE;
	purple_set_blist(purple_blist_new());
	purple_prefs_load();
	purple_prefs_set_bool("/purple/logging/log_chats", FALSE);
	purple_prefs_set_bool("/purple/logging/log_ims", FALSE);
	return purple_find_prpl("prpl-sipe") != NULL;
}

static void add_account(void)
{
	gchar *name = login ? g_strconcat(user, ",", login, NULL) : g_strdup(user);

	account = purple_account_new(name, "prpl-sipe");
	purple_account_set_password(account, password);
	purple_account_set_remember_password(account, TRUE); /* for the sign-in after a `disconnect` */
	purple_account_set_string(account, "server", server);
	purple_account_set_string(account, "transport", transport);
	purple_account_set_string(account, "authentication", scheme);
	purple_account_set_bool(account, "dont-publish", TRUE); /* calendars */
	purple_accounts_add(account);
	g_free(name);
}

static void connect_signals(void)
{
	static int handle;
	void *connections = purple_connections_get_handle(), *chats = purple_conversations_get_handle();
	void *contacts = purple_blist_get_handle();

	purple_signal_connect(connections, "connection-error", &handle, PURPLE_CALLBACK(connection_error), NULL);
	purple_signal_connect(chats, "chat-joined", &handle, PURPLE_CALLBACK(chat_joined), NULL);
	purple_signal_connect(chats, "buddy-typing", &handle, PURPLE_CALLBACK(buddy_typing), NULL);
	purple_signal_connect(contacts, "buddy-status-changed", &handle, PURPLE_CALLBACK(status_changed), NULL);
}

static void queue_steps(void)
{
	gchar **argument;

	for (argument = step_arguments; *argument; argument++) {
		if (!strcmp(*argument, "-")) {
			more_steps = TRUE;
			g_io_add_watch(g_io_channel_unix_new(STDIN_FILENO), G_IO_IN | G_IO_HUP, read_step, NULL);
		} else
			g_queue_push_tail(&steps, g_strdup(*argument));
	}
}

int main(int count, char **arguments)
{
	GOptionContext *context = g_option_context_new("- pidgin-sipe without a screen");
	GError *problem = NULL;
	gchar *folder;
	guint i;

	setlocale(LC_ALL, "C.UTF-8");
	signal(SIGPIPE, SIG_IGN);
	g_option_context_add_main_entries(context, options, NULL);
	if (!g_option_context_parse(context, &count, &arguments, &problem)) {
		fprintf(stderr, "%s\n", problem->message);
		return SET_UP_FAILED;
	}
	if (list_steps) {
		for (i = 0; i < G_N_ELEMENTS(all_steps); i++)
			printf("%-14s %s\n", all_steps[i].verb, all_steps[i].help);
		puts("`within SECONDS STEP` gives a step another time than --patience.");
		return DONE;
	}
	if (!user || !password || !server || !step_arguments) {
		fputs("needed: --user, --password, --server and steps; see --help\n", stderr);
		return SET_UP_FAILED;
	}
	if (log_name && !(log_file = fopen(log_name, "w"))) {
		perror(log_name);
		return SET_UP_FAILED;
	}
	loop = g_main_loop_new(NULL, FALSE);
	messages = g_ptr_array_new();
	typing = g_ptr_array_new_with_free_func(g_free);
	heard = g_string_new(NULL);
	folder = g_dir_make_tmp("parlor-interop-XXXXXX", NULL);
	if (!folder || !start_libpurple(folder)) {
		fputs("libpurple or its plugin prpl-sipe did not start; is pidgin-sipe installed?\n", stderr);
		return SET_UP_FAILED;
	}
	add_account();
	connect_signals();
	queue_steps();
	g_timeout_add(TICK_MS, tick, NULL);
	g_main_loop_run(loop);

	if (connection())
		purple_account_disconnect(account);
	/* Not libpurple's orderly end, which takes seconds. Its folder stays below TMPDIR and holds nothing of value. */
	_exit(status);
}

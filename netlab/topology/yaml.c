// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology/yaml.h"

#include <assert.h>
#include <libfyaml.h>

#include "topology/text.h"
#include "util/string.h"

static const char *const kind_names[] = {
	[NODE_SCALAR] = "text",
	[NODE_SEQUENCE] = "a list",
	[NODE_MAPPING] = "a mapping",
};
static_assert(ARRAY_SIZE(kind_names) == NODE_MAPPING + 1, "a kind without a name");

const char *node_kind_name(enum node_kind kind)
{
	return kind_names[kind];
}

DEFINE_CLEANUP(struct fy_parser *, fy_parser_destroy);
DEFINE_CLEANUP(struct fy_diag *, fy_diag_destroy);

struct anchor {
	char *name;
	struct node *node;
};

/* A collection whose end has not come. */
struct open {
	struct node *node;
	char *anchor; /* NULL: none */
};

struct builder {
	struct yaml *yaml;
	struct reports *reports;
	struct fy_parser *parser;
	struct open open[YAML_DEPTH_MAX];
	size_t depth;
	struct anchor anchors[YAML_ANCHORS_MAX];
	size_t n_anchors;
	size_t n_documents;
	size_t weight;      /* nodes so far, aliases counted in full */
	struct location at; /* of the last event that had a place */
};

static void builder_deinit(struct builder *builder)
{
	for (size_t i = 0; i < builder->n_anchors; i++)
		free(builder->anchors[i].name);
	for (size_t i = 0; i < builder->depth; i++)
		free(builder->open[i].anchor);
}

static char *token_copy(struct fy_token *token, size_t *length)
{
	size_t n = 0;
	const char *text = token ? fy_token_get_text(token, &n) : NULL;
	char *copy = xcalloc(n + 1, 1);

	if (n)
		memcpy(copy, text, n);
	if (length)
		*length = n;
	return copy;
}

struct node *yaml_add(struct yaml *yaml, enum node_kind kind, struct location at)
{
	struct node *node = xcalloc(1, sizeof(*node));

	if (yaml->n_nodes == yaml->room) {
		yaml->room = yaml->room * 2 + 64;
		yaml->nodes = xreallocarray(yaml->nodes, yaml->room, sizeof(node));
	}
	yaml->nodes[yaml->n_nodes++] = node;
	node->kind = kind;
	node->at = at;
	node->weight = 1;
	return node;
}

static struct node *node_new(struct builder *builder, enum node_kind kind)
{
	return yaml_add(builder->yaml, kind, builder->at);
}

static bool add_weight(struct builder *builder, size_t weight)
{
	builder->weight += weight;
	if (builder->weight <= YAML_NODES_MAX)
		return true;
	report_add(builder->reports, builder->at,
		   "more than %d values up to here; each alias counts as all that it "
		   "stands for",
		   YAML_NODES_MAX);
	return false;
}

/* Room doubles at the powers of two. */
void node_push(struct node *parent, struct node *item)
{
	size_t n = parent->n_items;

	if ((n & (n - 1)) == 0)
		parent->items = xreallocarray(parent->items, n ? n * 2 : 1, sizeof(item));
	parent->items[parent->n_items++] = item;
}

static bool is_complete(const struct builder *builder)
{
	return builder->depth == 0;
}

static void place(struct builder *builder, struct node *node)
{
	if (is_complete(builder))
		builder->yaml->root = node;
	else
		node_push(builder->open[builder->depth - 1].node, node);
}

static bool remember(struct builder *builder, char *name, struct node *node)
{
	if (!name)
		return true;
	if (builder->n_anchors == YAML_ANCHORS_MAX) {
		free(name);
		report_add(builder->reports, node->at, "more than %d anchors",
			   YAML_ANCHORS_MAX);
		return false;
	}
	builder->anchors[builder->n_anchors++] = (struct anchor){name, node};
	return true;
}

static bool refuse_tag(struct builder *builder, struct fy_token *tag)
{
	if (tag)
		report_add(builder->reports, builder->at,
			   "a tag ('!...') has no meaning in a topology");
	return tag != NULL;
}

static bool is_null_word(const char *text)
{
	return streq(text, "") || streq(text, "~") || streq(text, "null");
}

static bool is_long(struct fy_token *token)
{
	const struct fy_mark *begin = token ? fy_token_start_mark(token) : NULL;
	const struct fy_mark *end = token ? fy_token_end_mark(token) : NULL;

	return begin && end && end->line - begin->line > YAML_LINES_MAX;
}

static bool add_scalar(struct builder *builder, const struct fy_event_scalar_data *event)
{
	struct node *node = node_new(builder, NODE_SCALAR);

	if (is_long(event->value)) {
		report_add(builder->reports, node->at, "a text of more than %d lines",
			   YAML_LINES_MAX);
		return false;
	}
	node->text = token_copy(event->value, &node->length);
	node->is_null = fy_token_scalar_style(event->value) == FYSS_PLAIN &&
			is_null_word(node->text);
	place(builder, node);
	return !refuse_tag(builder, event->tag) && add_weight(builder, 1) &&
	       remember(builder, event->anchor ? token_copy(event->anchor, NULL) : NULL,
			node);
}

static bool begin_collection(struct builder *builder, enum node_kind kind,
			     struct fy_token *anchor, struct fy_token *tag)
{
	struct open *open = &builder->open[builder->depth];

	if (builder->depth == YAML_DEPTH_MAX) {
		report_add(builder->reports, builder->at, "nested more than %d deep",
			   YAML_DEPTH_MAX);
		return false;
	}
	open->node = node_new(builder, kind);
	open->anchor = anchor ? token_copy(anchor, NULL) : NULL;
	builder->depth++;
	return !refuse_tag(builder, tag) && add_weight(builder, 1);
}

/* Only what has ended can be meant by an alias, so that no node holds itself. */
static bool end_collection(struct builder *builder)
{
	struct open open = builder->open[--builder->depth];

	for (size_t i = 0; i < open.node->n_items; i++)
		open.node->weight += open.node->items[i]->weight;
	place(builder, open.node);
	return remember(builder, open.anchor, open.node);
}

static struct node *find_anchor(const struct builder *builder, const char *name)
{
	for (size_t i = builder->n_anchors; i-- > 0;)
		if (streq(builder->anchors[i].name, name))
			return builder->anchors[i].node;
	return NULL;
}

static bool add_alias(struct builder *builder, struct fy_token *token)
{
	_cleanup_free_ char *name = token_copy(token, NULL);
	const struct node *meant = find_anchor(builder, name);
	struct node *node = node_new(builder, NODE_SCALAR);
	struct location at = node->at;

	if (!meant) {
		report_add(builder->reports, at,
			   "alias '*%s' before an anchor '&%s' ends", name, name);
		return false;
	}
	*node = *meant;
	node->at = at;
	node->shared = true;
	place(builder, node);
	return add_weight(builder, node->weight);
}

static bool begin_document(struct builder *builder)
{
	if (builder->n_documents++ == 0)
		return true;
	report_add(builder->reports, builder->at,
		   "a second document: a file holds one topology");
	return false;
}

static bool is_quoted(struct fy_token *token)
{
	enum fy_scalar_style style = fy_token_scalar_style(token);

	return style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
}

/* libfyaml's mark of a quoted text or alias stands behind the quote or asterisk; ours on it. */
static void note_place(struct builder *builder, struct fy_event *event)
{
	const struct fy_mark *mark = fy_event_start_mark(event);
	bool behind = event->type == FYET_ALIAS ||
		      (event->type == FYET_SCALAR && is_quoted(event->scalar.value));

	if (mark)
		builder->at =
			(struct location){mark->line + 1, mark->column + !behind, 0};
}

/* Returns whether to go on. */
static bool take_event(struct builder *builder, struct fy_event *event)
{
	note_place(builder, event);
	switch (event->type) {
	case FYET_SCALAR:
		return add_scalar(builder, &event->scalar);
	case FYET_SEQUENCE_START:
		return begin_collection(builder, NODE_SEQUENCE,
					event->sequence_start.anchor,
					event->sequence_start.tag);
	case FYET_MAPPING_START:
		return begin_collection(builder, NODE_MAPPING,
					event->mapping_start.anchor,
					event->mapping_start.tag);
	case FYET_SEQUENCE_END:
	case FYET_MAPPING_END:
		return end_collection(builder);
	case FYET_ALIAS:
		return add_alias(builder, event->alias.anchor);
	case FYET_DOCUMENT_START:
		return begin_document(builder);
	case FYET_NONE:
	case FYET_STREAM_START:
	case FYET_DOCUMENT_END:
		return true;
	case FYET_STREAM_END:
		return false;
	}
	return false;
}

static void build(struct builder *builder)
{
	bool more = true;

	while (more) {
		struct fy_event *event = fy_parser_parse(builder->parser);

		more = event && take_event(builder, event);
		if (event)
			fy_parser_event_free(builder->parser, event);
	}
}

static void keep_quiet(struct fy_diag *diag, void *user, const char *text, size_t size)
{
	(void)diag, (void)user, (void)text, (void)size;
}

static struct fy_diag *diag_new(void)
{
	struct fy_diag_cfg config;
	struct fy_diag *diag;

	fy_diag_cfg_default(&config);
	config.fp = NULL;
	config.output_fn = keep_quiet;
	config.colorize = false;
	diag = fy_diag_create(&config);
	if (!diag)
		abort();
	fy_diag_set_collect_errors(diag, true);
	return diag;
}

static void report_diag(struct builder *builder, struct fy_diag *diag)
{
	struct fy_diag_error *error;
	void *iterator = NULL;

	while ((error = fy_diag_errors_iterate(diag, &iterator))) {
		struct location at = {error->line > 0 ? error->line : 0,
				      error->column > 0 ? error->column : 0, 0};

		report_add(builder->reports, at, "%s", error->msg);
	}
	if (fy_parser_get_stream_error(builder->parser) && !builder->reports->found)
		report_add(builder->reports, builder->at, "this is not YAML");
}

/* What YAML 1.2 calls printable, but the marks that a terminal might take for commands. */
static bool is_allowed(uint32_t code)
{
	return code == '\t' || code == '\n' || code == '\r' || !is_control(code);
}

static void step(struct location *at, const char *text, const char *end)
{
	if (*text == '\n' || (*text == '\r' && !(text + 1 < end && text[1] == '\n')))
		*at = (struct location){at->line + 1, 1, 0};
	else
		at->column++;
}

/* libfyaml has words of its own for some of this, and takes some of it. */
static bool check_characters(struct reports *reports)
{
	const char *at = reports->text, *end = at + reports->size;
	struct location place = {1, 1, 0};

	while (at < end) {
		uint32_t code;
		size_t n = utf8_decode(at, end - at, &code);

		if (!n)
			report_add(reports, place, "byte 0x%02x is not UTF-8 text",
				   (uint8_t)*at);
		else if (!is_allowed(code))
			report_add(reports, place, "control character 0x%02x", code);
		if (!n || !is_allowed(code))
			return false;
		step(&place, at, end);
		at += n;
	}
	return true;
}

void yaml_parse(struct yaml *yaml, struct reports *reports)
{
	_cleanup_(fy_diag_destroyp) struct fy_diag *diag = NULL;
	_cleanup_(fy_parser_destroyp) struct fy_parser *parser = NULL;
	_cleanup_(builder_deinit) struct builder builder = {.yaml = yaml,
							    .reports = reports};
	struct fy_parse_cfg config = {.flags = FYPCF_DEFAULT_VERSION_1_2};

	if (!check_characters(reports))
		return;
	config.diag = diag = diag_new();
	builder.parser = parser = fy_parser_create(&config);
	if (!parser || fy_parser_set_string(parser, reports->text, reports->size) < 0)
		abort();
	build(&builder);
	report_diag(&builder, diag);
}

void yaml_deinit(struct yaml *yaml)
{
	for (size_t i = 0; i < yaml->n_nodes; i++) {
		if (!yaml->nodes[i]->shared) {
			free(yaml->nodes[i]->text);
			free(yaml->nodes[i]->items);
		}
		free(yaml->nodes[i]);
	}
	free(yaml->nodes);
	*yaml = (struct yaml){0};
}

/* SPDX-License-Identifier: Apache-2.0 */
/* `spotlist provision`: sl_provision() goes through the template's resources in order and has each
 * made or repaired by setup_*.c; what fails holds up only what needs it. One thread. */

#include "provision.h"

#include <stdlib.h>
#include <string.h>

#include "endpoints.h"
#include "mem.h"
#include "setup.h"
#include "sts.h"
#include "template.h"
#include "text.h"

#define DEFAULT_WAIT_S "60"
#define CALL_MS        30000 /* of each call, retries included */

static const struct {
	const char *type;
	const char *kind;
	sl_resource_fn *make;
	sl_resource_fn *await; /* once all are made; or NULL */
} types[] = {
	{"AWS::S3::Bucket", "bucket", sl_setup_bucket, NULL},
	{"AWS::S3::BucketPolicy", "bucket policy", sl_setup_bucket_policy, NULL},
	{"AWS::DynamoDB::Table", "table", sl_setup_table, NULL},
	{"AWS::SNS::Topic", "topic", sl_setup_topic, NULL},
	{"AWS::SNS::TopicPolicy", "topic policy", sl_setup_topic_policy, NULL},
	{"AWS::SNS::Subscription", "subscription", sl_setup_subscription,
		sl_setup_await_subscription},
	{"AWS::SQS::Queue", "queue", sl_setup_queue, NULL},
	{"AWS::SQS::QueuePolicy", "queue policy", sl_setup_queue_policy, NULL},
	{"AWS::Events::Rule", "rule", sl_setup_rule, NULL},
	{"AWS::IAM::Role", "role", sl_setup_role, NULL},
};

/* What is known of each resource, in the template's order. */
struct run {
	struct sl_setup setup;
	struct sl_template *template;
	struct sl_resource *resources;
	bool *failed; /* or held up by one that did */
	size_t count;
	size_t skipped;
};

static void run_finish(struct run *run)
{
	for (size_t i = 0; i < run->count; i++) {
		free(run->resources[i].name);
		free(run->resources[i].ref);
		free(run->resources[i].arn);
		json_decref(run->resources[i].properties);
	}
	free(run->resources);
	free(run->failed);
	sl_template_destroy(run->template);
}

void sl_provision_options_finish(struct sl_provision_options *options)
{
	free(options->bucket.items);
	free(options->table.items);
	free(options->endpoint.items);
	free(options->wait_s.items);
	free(options->parameters.items);
}

/* --- options -------------------------------------------------------------------------------- */

/* Named options and NAME=VALUE as one list; names of the latter are owned by `ret_names`. */
struct parameters {
	struct sl_pair *pairs;
	char **names;
	size_t count;
	size_t name_count;
};

static void parameters_finish(struct parameters *parameters)
{
	for (size_t i = 0; i < parameters->name_count; i++) {
		free(parameters->names[i]);
	}
	free(parameters->names);
	free(parameters->pairs);
}

static void add_parameter(struct parameters *parameters, const char *name, const char *value)
{
	if (value != NULL) {
		parameters->pairs = sl_reallocarray(
			parameters->pairs, parameters->count + 1, sizeof(*parameters->pairs));
		parameters->pairs[parameters->count++] = (struct sl_pair){name, value};
	}
}

static const char *first(const struct sl_json_strv *list, const char *fallback)
{
	return list->count > 0 ? list->items[0] : fallback;
}

static enum sl_err collect_parameters(
	const struct sl_provision_options *options, struct parameters *ret, struct sl_error *reterr)
{
	add_parameter(ret, "BucketName", first(&options->bucket, getenv("SPOTLIST_BUCKET")));
	add_parameter(ret, "TableName", first(&options->table, getenv("SPOTLIST_TABLE")));
	add_parameter(ret, "Endpoint", first(&options->endpoint, NULL));
	ret->names = sl_calloc(options->parameters.count + 1, sizeof(*ret->names));
	for (size_t i = 0; i < options->parameters.count; i++) {
		const char *text = options->parameters.items[i];
		const char *equals = strchr(text, '=');
		if (equals == NULL) {
			return sl_error_set(reterr, SL_ERR_BAD_PARAMETER,
				"--parameter %s: NAME=VALUE is wanted", text);
		}
		char *name = sl_strndup(text, (size_t)(equals - text));
		ret->names[ret->name_count++] = name;
		add_parameter(ret, name, equals + 1);
	}
	for (size_t i = 0; i < ret->count; i++) {
		if (strcmp(ret->pairs[i].name, "BucketName") == 0) {
			return SL_ERR_OK;
		}
	}
	return sl_error_set(reterr, SL_ERR_BAD_PARAMETER,
		"Which bucket? --bucket NAME, or SPOTLIST_BUCKET. Names are shared by all of AWS");
}

static enum sl_err read_wait(
	const struct sl_provision_options *options, int64_t *ret_wait_s, struct sl_error *reterr)
{
	const char *text = first(&options->wait_s, DEFAULT_WAIT_S);
	if (!sl_text_parse_i64(text, 1, 3600, ret_wait_s)) {
		return sl_error_set(reterr, SL_ERR_BAD_PARAMETER,
			"--wait %s: it is a number of seconds, 1 to 3600", text);
	}
	return SL_ERR_OK;
}

/* --- the run -------------------------------------------------------------------------------- */

/* A resource that failed before it that this one needs; NULL when there is none. */
static const char *held_up_by(const struct run *run, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (run->failed[i] &&
			sl_template_needs(
				run->template, run->resources[index].id, run->resources[i].id)) {
			return run->resources[i].id;
		}
	}
	return NULL;
}

static void print_failure(struct run *run, size_t index, const struct sl_error *error)
{
	const struct sl_resource *resource = &run->resources[index];
	fprintf(run->setup.out, "FAIL    %s %s: %s\n", resource->kind,
		resource->name != NULL ? resource->name : resource->id,
		error->detail != NULL ? error->detail : sl_err_title(error->code));
	run->failed[index] = true;
	run->setup.failed++;
}

/* Makes its Ref and Arn known to those that come behind it. */
static void publish(struct run *run, const struct sl_resource *resource)
{
	sl_template_set(run->template, resource->id, "Ref",
		resource->ref != NULL ? resource->ref : resource->name);
	if (resource->arn != NULL) {
		sl_template_set(run->template, resource->id, "Arn", resource->arn);
	}
}

static enum sl_err make(struct run *run, size_t index, struct sl_error *reterr)
{
	struct sl_resource *resource = &run->resources[index];
	const char *type = sl_template_type(run->template, resource->id);
	size_t i = 0;
	while (i < SL_ARRAY_SIZE(types) && strcmp(types[i].type, type) != 0) {
		i++;
	}
	if (i == SL_ARRAY_SIZE(types)) {
		return sl_error_set(reterr, SL_ERR_INTERNAL,
			"the template has a type that provision does not know: %s", type);
	}
	resource->kind = types[i].kind;
	enum sl_err err =
		sl_template_properties(run->template, resource->id, &resource->properties, reterr);
	return err != SL_ERR_OK ? err : types[i].make(&run->setup, resource, reterr);
}

static void make_all(struct run *run)
{
	for (size_t i = 0; i < run->count; i++) {
		struct sl_resource *resource = &run->resources[i];
		resource->id = sl_template_name(run->template, i);
		resource->kind = "resource";
		const char *cause = held_up_by(run, i);
		if (cause != NULL) {
			fprintf(run->setup.out, "skip    %s: it needs %s\n", resource->id, cause);
			run->failed[i] = true;
			run->skipped++;
			continue;
		}
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		if (make(run, i, &error) != SL_ERR_OK) {
			print_failure(run, i, &error);
			continue;
		}
		/* A dry run does not know what a queue's URL would be. */
		publish(run, resource);
		if (!resource->touched) {
			fprintf(run->setup.out, "ok      %s %s\n", resource->kind, resource->name);
			run->setup.ok++;
		}
	}
}

static void await_all(struct run *run)
{
	for (size_t i = 0; i < run->count; i++) {
		const char *type = sl_template_type(run->template, run->resources[i].id);
		sl_resource_fn *await = NULL;
		for (size_t j = 0; j < SL_ARRAY_SIZE(types); j++) {
			await = strcmp(types[j].type, type) == 0 ? types[j].await : await;
		}
		SL_AUTO(sl_error_finish)
		struct sl_error error = SL_ERROR_INIT;
		if (await != NULL && !run->failed[i] &&
			await(&run->setup, &run->resources[i], &error) != SL_ERR_OK) {
			print_failure(run, i, &error);
		}
	}
}

static int summarise(const struct run *run)
{
	const struct sl_setup *setup = &run->setup;
	fprintf(setup->out, "%s%zu ok, %zu created, %zu changed, %zu failed, %zu skipped\n",
		setup->dry_run ? "a dry run: nothing was changed; " : "", setup->ok, setup->created,
		setup->changed, setup->failed, run->skipped);
	if (setup->failed == 0) {
		return EXIT_SUCCESS;
	}
	fputs("what failed says why; everything else is in place. Run this again when it is "
	      "mended: it goes on from here\n",
		setup->out);
	return EXIT_FAILURE;
}

static enum sl_err print_settings(const struct run *run, FILE *out, struct sl_error *reterr)
{
	json_auto_t *outputs = NULL;
	enum sl_err err = sl_template_outputs(run->template, &outputs, reterr);
	size_t i;
	const json_t *output;
	json_array_foreach (outputs, i, output) {
		const char *name = json_string_value(json_array_get(output, 0));
		const char *value = json_string_value(json_array_get(output, 1));
		if (sl_text_starts_with(name, "SPOTLIST_")) {
			fprintf(out, "%s=%s\n", name, value);
		} else {
			fprintf(run->setup.out, "%s: %s\n", name, value);
		}
	}
	fflush(out);
	return err;
}

static int explain(FILE *report, const struct sl_error *error)
{
	fprintf(report, "provision: %s\n",
		error->detail != NULL ? error->detail : sl_err_title(error->code));
	return error->code == SL_ERR_BAD_PARAMETER ? 2 : EXIT_FAILURE;
}

/* With an account and a template: everything else. */
static int perform(struct run *run, FILE *out)
{
	run->count = sl_template_count(run->template);
	run->resources = sl_calloc(run->count + 1, sizeof(*run->resources));
	run->failed = sl_calloc(run->count + 1, sizeof(*run->failed));
	make_all(run);
	if (!run->setup.dry_run) {
		await_all(run);
	}
	int status = summarise(run);
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	if (status == EXIT_SUCCESS && print_settings(run, out, &error) != SL_ERR_OK) {
		status = explain(run->setup.out, &error);
	}
	return status;
}

static enum sl_err prepare(const struct sl_provision_options *options,
	const struct parameters *parameters, const struct sl_sts_identity *identity,
	struct sl_aws *aws, struct run *run, struct sl_error *reterr)
{
	run->setup.account = identity->account;
	run->setup.region = sl_aws_region(aws);
	run->setup.partition = sl_partition_of(run->setup.region)->name;
	run->setup.dry_run = options->dry_run;
	run->setup.replace = options->replace;
	fprintf(run->setup.out, "account %s, region %s, as %s\n", identity->account,
		run->setup.region, identity->arn);
	const struct sl_template_place place = {
		run->setup.account, run->setup.region, run->setup.partition};
	return sl_template_create(sl_template_json, &place, parameters->pairs, parameters->count,
		&run->template, reterr);
}

int sl_provision(const struct sl_provision_options *options, FILE *out, FILE *report)
{
	if (options->print_template) {
		fputs(sl_template_text, out);
		return EXIT_SUCCESS;
	}
	SL_AUTO(sl_error_finish)
	struct sl_error error = SL_ERROR_INIT;
	SL_AUTO(parameters_finish)
	struct parameters parameters = {0};
	SL_AUTO(sl_aws_destroyp)
	struct sl_aws *aws = NULL;
	SL_AUTO(sl_client_destroyp)
	struct sl_client *client = NULL;
	SL_AUTO(sl_sts_identity_finish)
	struct sl_sts_identity identity = {0};
	SL_AUTO(run_finish)
	struct run run = {.setup.out = report};
	enum sl_err err = collect_parameters(options, &parameters, &error);
	if (err == SL_ERR_OK) {
		err = read_wait(options, &run.setup.wait_s, &error);
	}
	if (err == SL_ERR_OK) {
		err = sl_aws_create(&aws, &error);
	}
	if (err == SL_ERR_OK) {
		client = sl_client_create(aws);
		run.setup.client = client;
		sl_client_set_deadline(client, CALL_MS);
		err = sl_sts_get_caller_identity(client, &identity, &error);
	}
	if (err == SL_ERR_OK) {
		err = prepare(options, &parameters, &identity, aws, &run, &error);
	}
	return err == SL_ERR_OK ? perform(&run, out) : explain(report, &error);
}

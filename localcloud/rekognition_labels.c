/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Labels under Rekognition's own names, with its families: which label has which parents, aliases
 * and category. Entry point: lc_rekognition_labels. Pure.
 */
#include "rekognition.h"

#include <string.h>

#define MAX_PARENTS 4

/* Rekognition's taxonomy, as far as these detectors reach. */
static const struct kind {
	const char *name;
	const char *parents[MAX_PARENTS]; /* NULL ends the list */
	const char *alias;
	const char *category;
	int class_; /* of the detector, or -1: only ever a parent */
} kinds[] = {
	{"Person", {NULL}, "Human", "Person Description", LC_VISION_PERSON},
	{"Head", {"Person"}, NULL, "Person Description", -1},
	{"Face", {"Head", "Person"}, NULL, "Person Description", LC_VISION_FACE},
	{"Animal", {NULL}, NULL, "Animals and Pets", -1},
	{"Mammal", {"Animal"}, NULL, "Animals and Pets", -1},
	{"Pet", {"Animal"}, NULL, "Animals and Pets", -1},
	{"Cat", {"Animal", "Mammal", "Pet"}, NULL, "Animals and Pets", LC_VISION_CAT},
	{"Transportation", {NULL}, NULL, "Vehicles and Automotive", -1},
	{"Vehicle", {"Transportation"}, NULL, "Vehicles and Automotive", -1},
	{"License Plate", {"Transportation", "Vehicle"}, "Licence Plate", "Vehicles and Automotive",
		LC_VISION_PLATE},
};

static bool has_parent(const struct kind *kind, const char *name)
{
	for (size_t i = 0; i < MAX_PARENTS && kind->parents[i]; i++) {
		if (strcmp(kind->parents[i], name) == 0) {
			return true;
		}
	}
	return false;
}

static bool lists(const json_t *array, const char *text)
{
	size_t i;
	const json_t *item;
	json_array_foreach (array, i, item) {
		if (json_is_string(item) && strcmp(json_string_value(item), text) == 0) {
			return true;
		}
	}
	return false;
}

static bool passes(const struct kind *kind, const json_t *settings)
{
	const json_t *names = json_object_get(settings, "LabelInclusionFilters");
	const json_t *categories = json_object_get(settings, "LabelCategoryInclusionFilters");
	if (lists(json_object_get(settings, "LabelExclusionFilters"), kind->name) ||
		lists(json_object_get(settings, "LabelCategoryExclusionFilters"), kind->category)) {
		return false;
	}
	if (json_array_size(names) + json_array_size(categories) == 0) {
		return true;
	}
	return lists(names, kind->name) || lists(categories, kind->category);
}

static json_t *named(const char *name)
{
	return json_pack("{s:s}", "Name", name);
}

static json_t *make_label(const struct kind *kind, double confidence, json_t *instances)
{
	json_t *parents = json_array();
	for (size_t i = 0; i < MAX_PARENTS && kind->parents[i]; i++) {
		json_array_append_new(parents, named(kind->parents[i]));
	}
	json_t *aliases = json_array();
	if (kind->alias) {
		json_array_append_new(aliases, named(kind->alias));
	}
	return json_pack("{s:s, s:f, s:o, s:o, s:o, s:[o]}", "Name", kind->name, "Confidence",
		confidence, "Instances", instances, "Parents", parents, "Aliases", aliases,
		"Categories", named(kind->category));
}

/* The surest of the kind itself and of everything that descends from it. */
static double best_of(const struct kind *kind, const struct lc_vision_hits *hits)
{
	double best = 0;
	for (size_t i = 0; i < hits->count; i++) {
		const struct lc_vision_hit *hit = &hits->items[i];
		for (size_t k = 0; k < SL_ARRAY_SIZE(kinds); k++) {
			bool related = &kinds[k] == kind || has_parent(&kinds[k], kind->name);
			if (kinds[k].class_ == (int)hit->class_ && related &&
				hit->confidence > best) {
				best = hit->confidence;
			}
		}
	}
	return best;
}

static json_t *instances_of(
	const struct kind *kind, const struct lc_vision_hits *hits, double min_confidence)
{
	json_t *instances = json_array();
	for (size_t i = 0; i < hits->count; i++) {
		const struct lc_vision_hit *hit = &hits->items[i];
		if ((int)hit->class_ == kind->class_ && hit->confidence >= min_confidence) {
			json_array_append_new(instances,
				json_pack("{s:o, s:f}", "BoundingBox", lc_rekognition_box(hit),
					"Confidence", hit->confidence));
		}
	}
	return instances;
}

json_t *lc_rekognition_labels(
	const struct lc_vision_hits *hits, const struct lc_label_filter *filter)
{
	json_t *labels = json_array();
	for (size_t k = 0; k < SL_ARRAY_SIZE(kinds); k++) {
		double confidence = best_of(&kinds[k], hits);
		if (confidence <= 0 || confidence < filter->min_confidence ||
			!passes(&kinds[k], filter->settings)) {
			continue;
		}
		size_t at = 0;
		while (at < json_array_size(labels) &&
			json_number_value(json_object_get(
				json_array_get(labels, at), "Confidence")) >= confidence) {
			at++;
		}
		json_array_insert_new(labels, at,
			make_label(&kinds[k], confidence,
				instances_of(&kinds[k], hits, filter->min_confidence)));
	}
	return labels;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The C interface of the recognisers: pictures, and walks through videos. Entry points: those of
 * vision.h. One struct lc_vision per thread; OpenCV uses threads of its own inside.
 */
#include "vision_detect.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>

struct lc_vision {
	lc::Detectors detectors;
	lc::Gallery gallery;
};

using lc::Found;

/* Mean grey, and the spread of the Laplacian with 1,000 taken for perfectly sharp. */
static void rate_quality(const cv::Mat &picture, std::vector<Found> &faces)
{
	cv::Mat gray, edges;
	cv::Scalar mean, deviation;
	for (Found &face : faces) {
		cv::cvtColor(picture(cv::Rect(face.box) & cv::Rect(cv::Point(), picture.size())),
			gray, cv::COLOR_BGR2GRAY);
		face.brightness = cv::mean(gray)[0] / 2.55;
		cv::Laplacian(gray, edges, CV_64F);
		cv::meanStdDev(edges, mean, deviation);
		face.sharpness = std::min(100.0, deviation[0] * deviation[0] / 10);
	}
}

static std::vector<Found> look_at(lc_vision *vision, const cv::Mat &picture, unsigned want)
{
	std::vector<Found> faces = vision->detectors.faces(picture);
	std::vector<Found> all = faces;
	if (want & LC_WANT_FACES) {
		vision->gallery.name(picture, all);
		rate_quality(picture, all);
	}
	if (want & LC_WANT_LABELS) {
		std::vector<Found> people = vision->detectors.people(picture);
		std::vector<Found> cats = vision->detectors.cats(picture, faces);
		std::vector<Found> plates = vision->detectors.plates(picture);
		all.insert(all.end(), people.begin(), people.end());
		all.insert(all.end(), cats.begin(), cats.end());
		all.insert(all.end(), plates.begin(), plates.end());
	}
	return all;
}

static void to_hits(const std::vector<Found> &all, cv::Size size, lc_vision_hits *ret)
{
	ret->width = size.width;
	ret->height = size.height;
	ret->count = all.size();
	ret->items = static_cast<lc_vision_hit *>(calloc(all.size() + 1, sizeof(lc_vision_hit)));
	if (!ret->items) {
		abort();
	}
	for (size_t i = 0; i < all.size(); i++) {
		const Found &found = all[i];
		lc_vision_hit &hit = ret->items[i];
		hit.class_ = found.class_;
		hit.left = found.box.x / size.width;
		hit.top = found.box.y / size.height;
		hit.width = found.box.width / size.width;
		hit.height = found.box.height / size.height;
		hit.confidence = found.confidence;
		hit.match_confidence = found.match_confidence;
		hit.brightness = found.brightness;
		hit.sharpness = found.sharpness;
		strncpy(hit.name, found.name.c_str(), sizeof hit.name - 1);
	}
}

lc_vision *lc_vision_create(const char *gallery_dir, char **ret_message)
{
	std::string message;
	lc_vision *vision = nullptr;
	try {
		vision = new lc_vision;
		if (!vision->detectors.load(message)) {
			delete vision;
			vision = nullptr;
		} else if (gallery_dir) {
			vision->gallery.load(gallery_dir, vision->detectors, message);
		}
	} catch (const std::exception &error) {
		message += error.what();
	}
	*ret_message = message.empty() ? nullptr : strdup(message.c_str());
	return vision;
}

void lc_vision_destroy(lc_vision *vision)
{
	delete vision;
}

static int look_at_picture(
	lc_vision *vision, const cv::Mat &picture, unsigned want, lc_vision_hits *ret)
{
	if (picture.empty()) {
		return -1;
	}
	to_hits(look_at(vision, picture, want), picture.size(), ret);
	return 0;
}

int lc_vision_image(lc_vision *vision, const char *path, unsigned want, lc_vision_hits *ret)
{
	try {
		return look_at_picture(vision, cv::imread(path, cv::IMREAD_COLOR), want, ret);
	} catch (const std::exception &) {
		return -1;
	}
}

int lc_vision_bytes(
	lc_vision *vision, const void *bytes, size_t len, unsigned want, lc_vision_hits *ret)
{
	try {
		const unsigned char *from = static_cast<const unsigned char *>(bytes);
		std::vector<unsigned char> copy(from, from + len);
		return look_at_picture(vision, cv::imdecode(copy, cv::IMREAD_COLOR), want, ret);
	} catch (const std::exception &) {
		return -1;
	}
}

namespace
{

struct Look {
	int64_t time_ms;
	std::vector<Found> found;
};

double intersection_over_union(const cv::Rect2d &a, const cv::Rect2d &b)
{
	double shared = (a & b).area();
	return shared <= 0 ? 0 : shared / (a.area() + b.area() - shared);
}

bool seen_in(const Found &found, const Look *look)
{
	return look && std::any_of(look->found.begin(), look->found.end(), [&](const Found &other) {
		return other.class_ == found.class_ &&
			intersection_over_union(other.box, found.box) > 0.15;
	});
}

/* What only one look sees is dropped, unless the detector is very sure: real things stay for
 * longer than one look, accidents of light and compression do not. */
std::vector<Found> persistent(const Look *before, const Look &now, const Look *after)
{
	if (!before && !after) {
		return now.found;
	}
	std::vector<Found> kept;
	for (const Found &found : now.found) {
		if (found.confidence >= 97 || seen_in(found, before) || seen_in(found, after)) {
			kept.push_back(found);
		}
	}
	return kept;
}

/* Hands each look on as soon as the one after it is known. */
class Walk
{
      public:
	Walk(lc_vision_on_frame *on_frame, void *context) : on_frame_(on_frame), context_(context)
	{
	}

	bool add(Look &&look, cv::Size size)
	{
		bool go_on = !has_now_ || tell(has_before_ ? &before_ : nullptr, now_, &look, size);
		before_ = std::move(now_);
		has_before_ = has_now_;
		now_ = std::move(look);
		has_now_ = true;
		return go_on;
	}

	void finish(cv::Size size)
	{
		if (has_now_) {
			(void)tell(has_before_ ? &before_ : nullptr, now_, nullptr, size);
		}
	}

      private:
	bool tell(const Look *before, const Look &now, const Look *after, cv::Size size)
	{
		lc_vision_hits hits;
		to_hits(persistent(before, now, after), size, &hits);
		int answer = on_frame_(context_, now.time_ms, &hits);
		free(hits.items);
		return answer == 0;
	}

	lc_vision_on_frame *on_frame_;
	void *context_;
	Look before_{}, now_{};
	bool has_before_ = false, has_now_ = false;
};

} // namespace

static int walk_video(lc_vision *vision, cv::VideoCapture &capture, int interval_ms,
	lc_vision_on_frame *on_frame, void *context, int64_t *ret_duration_ms,
	double *ret_frame_rate, int *ret_width, int *ret_height)
{
	double rate = capture.get(cv::CAP_PROP_FPS);
	if (!(rate > 0) || rate > 1000) {
		rate = 25;
	}
	Walk walk(on_frame, context);
	cv::Mat picture;
	cv::Size size;
	int64_t next_ms = 0;
	int64_t frames = 0;
	int64_t last_ms = 0;
	bool go_on = true;
	while (go_on && capture.grab()) {
		double at = capture.get(cv::CAP_PROP_POS_MSEC);
		int64_t time_ms = std::llround(std::max(at, double(last_ms)));
		if (at <= 0) {
			time_ms = std::llround(double(frames) * 1000 / rate);
		}
		last_ms = time_ms;
		frames++;
		if (time_ms < next_ms) {
			continue;
		}
		if (!capture.retrieve(picture) || picture.empty()) {
			break;
		}
		size = picture.size();
		go_on = walk.add({time_ms, look_at(vision, picture, LC_WANT_LABELS)}, size);
		while (next_ms <= time_ms) {
			next_ms += interval_ms;
		}
	}
	if (go_on) {
		walk.finish(size);
	}
	*ret_duration_ms = last_ms + std::llround(1000 / rate);
	*ret_frame_rate = rate;
	*ret_width = size.width;
	*ret_height = size.height;
	return size.width > 0 ? 0 : -1;
}

int lc_vision_video(lc_vision *vision, const char *path, int interval_ms,
	lc_vision_on_frame *on_frame, void *context, int64_t *ret_duration_ms,
	double *ret_frame_rate, int *ret_width, int *ret_height)
{
	try {
		/* Only ffmpeg: OpenCV's other readers take the path for a pattern of names. */
		cv::VideoCapture capture;
		if (!capture.open(path, cv::CAP_FFMPEG)) {
			return -1;
		}
		return walk_video(vision, capture, interval_ms, on_frame, context, ret_duration_ms,
			ret_frame_rate, ret_width, ret_height);
	} catch (const std::exception &) {
		return -1;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The detectors: HOG for people, Haar cascades for faces, cats and licence plates, and the
 * functions that make a confidence of what they score. Entry points: lc::Detectors::faces(),
 * people(), cats(), plates(). One object per thread.
 */
#include "vision_detect.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <unistd.h>

#include <opencv2/imgproc.hpp>

namespace lc
{

static const char models[] = "/usr/share/opencv4/haarcascades/haarcascade_";

/* A window that a cascade accepted at one place and scale, before grouping. A real object is
 * accepted at many neighbouring places and scales, an accident at one or two: the number of
 * windows is the score. */
struct Window {
	cv::Rect2d box;
	int cascade; /* 0 or 1 */
};

struct Group {
	cv::Rect2d box; /* mean of the windows */
	double votes[2];
};

static bool same_place(const Window &a, const Window &b)
{
	double delta = 0.25 *
		(std::min(a.box.width, b.box.width) + std::min(a.box.height, b.box.height)) / 2;
	return std::abs(a.box.x - b.box.x) <= delta && std::abs(a.box.y - b.box.y) <= delta &&
		std::abs(a.box.br().x - b.box.br().x) <= delta &&
		std::abs(a.box.br().y - b.box.br().y) <= delta;
}

static std::vector<Group> group_windows(const std::vector<Window> &windows)
{
	std::vector<Group> groups;
	if (windows.empty()) {
		return groups;
	}
	std::vector<int> labels;
	groups.resize(size_t(cv::partition(windows, labels, same_place)));
	for (size_t i = 0; i < windows.size(); i++) {
		Group &group = groups[size_t(labels[i])];
		const cv::Rect2d &box = windows[i].box;
		group.votes[windows[i].cascade]++;
		group.box.x += box.x;
		group.box.y += box.y;
		group.box.width += box.width;
		group.box.height += box.height;
	}
	for (Group &group : groups) {
		double n = group.votes[0] + group.votes[1];
		group.box = {group.box.x / n, group.box.y / n, group.box.width / n,
			group.box.height / n};
	}
	return groups;
}

/* All windows of one cascade, at a scale step of 1.08: the counts below depend on it. */
static void look(cv::CascadeClassifier &cascade, int index, const cv::Mat &gray, cv::Size smallest,
	std::vector<Window> &windows)
{
	std::vector<cv::Rect> boxes;
	cascade.detectMultiScale(gray, boxes, 1.08, /* minNeighbors= */ 0, 0, smallest);
	for (const cv::Rect &box : boxes) {
		windows.push_back({cv::Rect2d(box), index});
	}
}

/* Whether the first cascade saw anything that is worth the second one's time. */
static bool worth_a_second_look(const std::vector<Window> &windows)
{
	std::vector<Group> groups = group_windows(windows);
	return std::any_of(groups.begin(), groups.end(),
		[](const Group &group) { return group.votes[0] >= 4; });
}

/* Both cascades, the second one only around what the first one saw. */
static std::vector<Group> look_twice(cv::CascadeClassifier &first, cv::CascadeClassifier &second,
	const cv::Mat &gray, cv::Size smallest_first, cv::Size smallest_second)
{
	std::vector<Window> windows;
	look(first, 0, gray, smallest_first, windows);
	std::vector<Window> around;
	for (const Group &group : group_windows(windows)) {
		if (group.votes[0] < 4) {
			continue;
		}
		cv::Rect region(cv::Point(cv::Point2d(group.box.x - group.box.width / 2,
					group.box.y - group.box.height / 2)),
			cv::Size(cv::Size2d(group.box.width * 2, group.box.height * 2)));
		region &= cv::Rect(0, 0, gray.cols, gray.rows);
		std::vector<Window> inside;
		look(second, 1, gray(region).clone(), smallest_second, inside);
		for (Window &window : inside) {
			window.box.x += region.x;
			window.box.y += region.y;
			around.push_back(window);
		}
	}
	windows.insert(windows.end(), around.begin(), around.end());
	return group_windows(windows);
}

/* The picture with its longer side at most `longest`; `scale` is what it was multiplied by. */
static cv::Mat shrink(const cv::Mat &picture, double longest, double &scale)
{
	cv::Mat small;
	scale = std::min(1.0, longest / std::max(picture.cols, picture.rows));
	cv::resize(picture, small, cv::Size(), scale, scale, cv::INTER_AREA);
	return small;
}

static cv::Mat shrink_gray(const cv::Mat &picture, double longest, double &scale)
{
	cv::Mat gray;
	cv::cvtColor(shrink(picture, longest, scale), gray, cv::COLOR_BGR2GRAY);
	return gray;
}

static double overlap(const cv::Rect2d &a, const cv::Rect2d &b)
{
	double shared = (a & b).area();
	return shared <= 0 ? 0 : shared / std::min(a.area(), b.area());
}

/* Of things that lie on one another only the surest stays. */
static void keep_surest(std::vector<Found> &found)
{
	std::sort(found.begin(), found.end(),
		[](const Found &a, const Found &b) { return a.confidence > b.confidence; });
	std::vector<Found> kept;
	for (const Found &candidate : found) {
		bool covered = std::any_of(kept.begin(), kept.end(), [&](const Found &other) {
			return overlap(candidate.box, other.box) > 0.6;
		});
		if (!covered) {
			kept.push_back(candidate);
		}
	}
	found.swap(kept);
}

/* S-shaped: 50 at `half`, 85 at `sure`. */
static double confidence_of(double score, double half, double sure)
{
	double slope = std::log(0.85 / 0.15) / (sure - half);
	return 100 / (1 + std::exp(slope * (half - score)));
}

static void add_found(std::vector<Found> &found, lc_vision_class class_, const cv::Rect2d &box,
	double scale, const cv::Mat &picture, double confidence)
{
	if (confidence < 50) {
		return;
	}
	cv::Rect2d whole(box.x / scale, box.y / scale, box.width / scale, box.height / scale);
	whole &= cv::Rect2d(0, 0, picture.cols, picture.rows);
	if (whole.area() > 0) {
		found.push_back({class_, whole, confidence, "", 0, 0, 0});
	}
}

/* Debian 12's OpenCV writes "licence", Debian 13's "license"; the file is the same. */
static const char *plate_model()
{
	static const char name[] = "license_plate_rus_16stages";
	bool renamed = access((std::string(models) + name + ".xml").c_str(), R_OK) == 0;
	return renamed ? name : "licence_plate_rus_16stages";
}

bool Detectors::load(std::string &message)
{
	const struct {
		cv::CascadeClassifier &cascade;
		const char *name;
	} files[] = {
		{face_first_, "frontalface_alt2"},
		{face_second_, "frontalface_default"},
		{cat_first_, "frontalcatface"},
		{cat_second_, "frontalcatface_extended"},
		{plate_first_, "russian_plate_number"},
		{plate_second_, plate_model()},
	};
	for (const auto &file : files) {
		std::string path = std::string(models) + file.name + ".xml";
		if (!file.cascade.load(path)) {
			message = "cannot load " + path + " (Debian package opencv-data)";
			return false;
		}
	}
	hog_.setSVMDetector(cv::HOGDescriptor::getDefaultPeopleDetector());
	return true;
}

/*
 * Faces: two cascades that were trained apart must both see one. Score: the geometric mean of
 * their window counts.
 */
std::vector<Found> Detectors::faces(const cv::Mat &picture)
{
	double scale;
	cv::Mat gray = shrink_gray(picture, 640, scale);
	std::vector<Found> found;
	if (std::min(gray.cols, gray.rows) < 40) {
		return found;
	}
	cv::equalizeHist(gray, gray);
	for (const Group &group : look_twice(face_first_, face_second_, gray, {30, 30}, {30, 30})) {
		double score = std::sqrt(group.votes[0] * group.votes[1]);
		add_found(found, LC_VISION_FACE, group.box, scale, picture,
			confidence_of(score, 8.5, 12.5));
	}
	keep_surest(found);
	return found;
}

/*
 * People: Dalal and Triggs' HOG with OpenCV's default detector. Score: the weight of the linear
 * classifier, i.e. the distance from its plane.
 */
std::vector<Found> Detectors::people(const cv::Mat &picture)
{
	double scale;
	cv::Mat small = shrink(picture, 800, scale);
	std::vector<Found> found;
	if (small.cols < 64 || small.rows < 128) {
		return found;
	}
	std::vector<cv::Rect> boxes;
	std::vector<double> weights;
	hog_.detectMultiScale(small, boxes, weights, 0, {8, 8}, {8, 8}, 1.05, 2, false);
	for (size_t i = 0; i < boxes.size(); i++) {
		/* The detector's window has a margin of an eighth around the person. */
		cv::Rect2d box(boxes[i]);
		cv::Rect2d person(box.x + box.width / 8, box.y + box.height / 16, box.width * 3 / 4,
			box.height * 7 / 8);
		add_found(found, LC_VISION_PERSON, person, scale, picture,
			confidence_of(weights[i], 1.0, 1.9));
	}
	keep_surest(found);
	return found;
}

/* Turns the centre of a box found in a picture rotated by `back` to the picture's own place. */
static cv::Rect2d rotate_back(const cv::Rect2d &box, const cv::Mat &back)
{
	double cx = box.x + box.width / 2;
	double cy = box.y + box.height / 2;
	double x = back.at<double>(0, 0) * cx + back.at<double>(0, 1) * cy + back.at<double>(0, 2);
	double y = back.at<double>(1, 0) * cx + back.at<double>(1, 1) * cy + back.at<double>(1, 2);
	return {x - box.width / 2, y - box.height / 2, box.width, box.height};
}

/* At three tilts of the head; the windows are told as they lie in the upright picture. */
static void look_tilted(cv::CascadeClassifier &cascade, int index, const cv::Mat &gray,
	std::vector<Window> &windows)
{
	cv::Point2f centre(float(gray.cols) / 2, float(gray.rows) / 2);
	for (int tilt = -8; tilt <= 8; tilt += 8) {
		cv::Mat turn = cv::getRotationMatrix2D(centre, tilt, 1);
		cv::Mat back = cv::getRotationMatrix2D(centre, -tilt, 1);
		cv::Mat turned;
		cv::warpAffine(
			gray, turned, turn, gray.size(), cv::INTER_LINEAR, cv::BORDER_REPLICATE);
		std::vector<Window> at_tilt;
		look(cascade, index, turned, {54, 54}, at_tilt);
		for (const Window &window : at_tilt) {
			windows.push_back({rotate_back(window.box, back), index});
		}
	}
}

/*
 * Cats: the two cat cascades want the whole head upright with its ears. Cats tilt their heads
 * and fill the picture, so the search is in a small picture with a margin, at three tilts. Score:
 * the smaller of the two cascades' window counts over all tilts. What is a human face is not a
 * cat.
 */
std::vector<Found> Detectors::cats(const cv::Mat &picture, const std::vector<Found> &faces)
{
	double scale;
	cv::Mat gray = shrink_gray(picture, 240, scale);
	std::vector<Found> found;
	int margin = std::max(gray.cols, gray.rows) / 5;
	if (std::min(gray.cols, gray.rows) < 60) {
		return found;
	}
	cv::copyMakeBorder(gray, gray, margin, margin, margin, margin, cv::BORDER_REPLICATE);
	std::vector<Window> windows;
	look_tilted(cat_first_, 0, gray, windows);
	if (!worth_a_second_look(windows)) {
		return found;
	}
	look_tilted(cat_second_, 1, gray, windows);
	for (const Group &group : group_windows(windows)) {
		double score = std::min(group.votes[0], group.votes[1]);
		cv::Rect2d box(group.box.x - margin, group.box.y - margin, group.box.width,
			group.box.height);
		add_found(found, LC_VISION_CAT, box, scale, picture, confidence_of(score, 3.5, 5));
	}
	keep_surest(found);
	auto is_face = [&](const Found &cat) {
		return std::any_of(faces.begin(), faces.end(), [&](const Found &face) {
			return face.confidence >= 50 && overlap(cat.box, face.box) > 0.3;
		});
	};
	found.erase(std::remove_if(found.begin(), found.end(), is_face), found.end());
	return found;
}

/*
 * Licence plates: two cascades trained on Russian plates (OpenCV has no others). Score: the
 * geometric mean of their window counts.
 */
std::vector<Found> Detectors::plates(const cv::Mat &picture)
{
	double scale;
	cv::Mat gray = shrink_gray(picture, 640, scale);
	std::vector<Found> found;
	if (gray.cols < 60 || gray.rows < 20) {
		return found;
	}
	for (const Group &group :
		look_twice(plate_first_, plate_second_, gray, {60, 20}, {64, 16})) {
		double score = std::sqrt(group.votes[0] * group.votes[1]);
		add_found(found, LC_VISION_PLATE, group.box, scale, picture,
			confidence_of(score, 8, 12));
	}
	keep_surest(found);
	return found;
}

} // namespace lc

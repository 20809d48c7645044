/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gallery of named faces: local binary pattern histograms (LBPH) of the gallery's pictures,
 * and the nearest one for a face. Entry points: lc::Gallery::load(), name(). One per thread.
 */
#include "vision_detect.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

namespace fs = std::filesystem;

namespace lc
{

/* Chi-square distances of LBPH at 96x96 pixels and an 8x8 grid, as measured on faces of the same
 * person at other sizes and of other persons: see docs/localcloud.md. */
static const double distance_half = 88; /* match confidence 50 */
static const double distance_sure = 72; /* match confidence 90 */

static const int face_side = 96;

/* The inner part of a face box, in a fixed size and light. */
static cv::Mat face_sample(
	const cv::Mat &gray, const cv::Rect2d &face, double zoom, double dx, double dy)
{
	double side = std::min(face.width, face.height) * 0.8 * zoom;
	double cx = face.x + face.width * (0.5 + dx);
	double cy = face.y + face.height * (0.5 + dy);
	cv::Rect inner(int(cx - side / 2), int(cy - side / 2), int(side), int(side));
	inner &= cv::Rect(0, 0, gray.cols, gray.rows);
	cv::Mat sample;
	if (inner.width < 16 || inner.height < 16) {
		return sample;
	}
	cv::resize(gray(inner), sample, cv::Size(face_side, face_side), 0, 0, cv::INTER_AREA);
	cv::GaussianBlur(sample, sample, cv::Size(3, 3), 0);
	cv::equalizeHist(sample, sample);
	return sample;
}

static bool is_picture(const fs::path &path)
{
	static const std::set<std::string> known = {".jpg", ".jpeg", ".png"};
	std::string extension = path.extension().string();
	std::transform(extension.begin(), extension.end(), extension.begin(),
		[](unsigned char c) { return char(std::tolower(c)); });
	return known.count(extension) > 0;
}

void Gallery::add(const std::string &path, const std::string &name, Detectors &detectors,
	std::string &message)
{
	cv::Mat picture = cv::imread(path, cv::IMREAD_COLOR);
	if (picture.empty()) {
		message += path + ": not a picture, skipped\n";
		return;
	}
	std::vector<Found> faces = detectors.faces(picture);
	if (faces.size() != 1) {
		message += path + ": " + std::to_string(faces.size()) +
			" faces where one is wanted, skipped\n";
		return;
	}
	auto known = std::find(names_.begin(), names_.end(), name);
	int label = int(known - names_.begin());
	if (known == names_.end()) {
		names_.push_back(name);
	}
	cv::Mat gray;
	cv::cvtColor(picture, gray, cv::COLOR_BGR2GRAY);
	/* A detector's box is never twice the same: learn its jitter, and the mirror image. */
	for (double zoom : {0.92, 1.0, 1.08}) {
		for (double dx : {-0.04, 0.0, 0.04}) {
			for (double dy : {-0.04, 0.0, 0.04}) {
				cv::Mat sample = face_sample(gray, faces[0].box, zoom, dx, dy);
				if (sample.empty()) {
					continue;
				}
				cv::Mat mirrored;
				cv::flip(sample, mirrored, 1);
				samples_.push_back(sample);
				labels_.push_back(label);
				samples_.push_back(mirrored);
				labels_.push_back(label);
			}
		}
	}
}

void Gallery::load(const std::string &dir, Detectors &detectors, std::string &message)
{
	std::error_code error;
	std::vector<fs::path> entries;
	for (const fs::directory_entry &entry : fs::directory_iterator(dir, error)) {
		entries.push_back(entry.path());
	}
	if (error) {
		message += dir + ": " + error.message() + "\n";
		return;
	}
	std::sort(entries.begin(), entries.end());
	for (const fs::path &path : entries) {
		if (fs::is_regular_file(path, error) && is_picture(path)) {
			add(path.string(), path.stem().string(), detectors, message);
		} else if (fs::is_directory(path, error)) {
			for (const fs::directory_entry &inside :
				fs::directory_iterator(path, error)) {
				if (is_picture(inside.path())) {
					add(inside.path().string(), path.filename().string(),
						detectors, message);
				}
			}
		}
	}
	if (!samples_.empty()) {
		recognizer_ = cv::face::LBPHFaceRecognizer::create(2, 8, 8, 8);
		recognizer_->train(samples_, labels_);
	}
	samples_.clear();
	labels_.clear();
}

void Gallery::name(const cv::Mat &picture, std::vector<Found> &faces) const
{
	if (!recognizer_) {
		return;
	}
	cv::Mat gray;
	cv::cvtColor(picture, gray, cv::COLOR_BGR2GRAY);
	double slope = std::log(9.0) / (distance_half - distance_sure);
	for (Found &face : faces) {
		cv::Mat sample = face_sample(gray, face.box, 1, 0, 0);
		int label = -1;
		double distance = 1e9;
		if (!sample.empty()) {
			recognizer_->predict(sample, label, distance);
		}
		double match = 100 / (1 + std::exp(slope * (distance - distance_half)));
		if (label >= 0 && match >= 50) {
			face.name = names_[size_t(label)];
			face.match_confidence = match;
		}
	}
}

} // namespace lc

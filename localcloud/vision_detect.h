/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LC_VISION_DETECT_H
#define LC_VISION_DETECT_H

/* Inside the recognisers (C++ only): the detectors and the gallery that vision.cc puts together. */

#include <string>
#include <vector>

#include <opencv2/face.hpp>
#include <opencv2/objdetect.hpp>

#include "vision.h"

namespace lc
{

/* One thing found, in pixels of the picture that was given. */
struct Found {
	lc_vision_class class_;
	cv::Rect2d box;
	double confidence; /* 0..100 */
	std::string name;
	double match_confidence;
	double brightness, sharpness;
};

/* OpenCV's detectors with their models loaded. One per thread. */
class Detectors
{
      public:
	/* False when a model file is missing or broken; `message` names it. */
	bool load(std::string &message);

	std::vector<Found> faces(const cv::Mat &picture);
	std::vector<Found> people(const cv::Mat &picture);
	std::vector<Found> cats(const cv::Mat &picture, const std::vector<Found> &faces);
	std::vector<Found> plates(const cv::Mat &picture);

      private:
	cv::CascadeClassifier face_first_, face_second_, cat_first_, cat_second_, plate_first_,
		plate_second_;
	cv::HOGDescriptor hog_;
};

/* Named faces, compared by local binary pattern histograms. */
class Gallery
{
      public:
	/* Reads `<name>.<ext>` and `<name>/<any>.<ext>`; what was skipped is appended to
	 * `message`. */
	void load(const std::string &dir, Detectors &detectors, std::string &message);
	/* Puts a name on every face that is near enough to one of the gallery. */
	void name(const cv::Mat &picture, std::vector<Found> &faces) const;

      private:
	void add(const std::string &path, const std::string &name, Detectors &detectors,
		std::string &message);

	cv::Ptr<cv::face::LBPHFaceRecognizer> recognizer_;
	std::vector<std::string> names_;
	std::vector<cv::Mat> samples_;
	std::vector<int> labels_;
};

} // namespace lc

#endif

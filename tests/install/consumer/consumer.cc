// A program of another project: the installed library, and nothing else of ours.
#include <moonbeam/moonbeam.h>
#include <cstdio>

int main(int argc, char** argv) {
  const moonbeam::Model model = moonbeam::Model::load(argv[1]);
  const moonbeam::EncodedImage image = model.encode_image(moonbeam::load_image(argv[argc - 1]));
  std::puts(model.caption(image).caption.c_str());
}

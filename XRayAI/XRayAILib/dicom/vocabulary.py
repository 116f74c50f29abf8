"""Words that describe radiographs and nobody's identity: what Clean Descriptors lets pass (PS3.15 E.3.5).

A list of what may stay is safe where a list of what must go is not: a name that nobody thought of is not on it.
"""

from __future__ import annotations

import re

_BODY = """
abdomen abdominal acetabulum acj ankle ankles antrum aorta arm arms atlas axilla axis back bladder body bone bones
bowel breast breasts bronchus c-spine calcaneus calcaneum cardiac carpal carpus cervical cervicothoracic chest
clavicle clavicles coccyx colon cranium dental diaphragm digit digits disc dorsal dorsum ear elbow elbows extremities
extremity eye eyes face facial femoral femur femurs fibula finger fingers foot feet forearm forearms gallbladder
glenoid hand hands head heart heel heels hip hips humeral humerus iliac ilium intestine ischium jaw joint joints
kidney kidneys knee knees kub l-spine larynx leg legs limb limbs liver lumbar lumbosacral lung lungs malleolus
mandible mandibular mastoid mastoids maxilla maxillary mediastinum metacarpal metacarpals metatarsal metatarsals
midfoot nasal nasopharynx navicular neck nose olecranon orbit orbits palate parotid patella patellae patellofemoral
pelvic pelvis phalanges phalanx pharynx pleura pubis radius rib ribs sacral sacroiliac sacrum scaphoid scapula
scapulae sella shoulder shoulders sinus sinuses skeleton skull spine spinal spleen sternoclavicular sternum stomach
symphysis t-spine talus tarsal tarsus teeth temporomandibular thigh thighs thoracic thoracolumbar thorax thumb thumbs
tibia tibiae tmj toe toes tooth trachea ulna ureter urethra urinary uterus vertebra vertebrae wrist wrists zygoma
"""
_VIEW = """
ap pa lat lateral laterals ll rl llo rlo rao lao rpo lpo oblique obliques axial axillary antero-posterior
anteroposterior postero-anterior posteroanterior anterior posterior superior inferior medial mediolateral lateromedial
mlo cc ml lm xccl tangential sunrise skyline swimmers swimmer towne waters caldwell outlet inlet judet frog frogleg
y-view supine prone erect upright standing sitting semi-erect decubitus recumbent weight-bearing weightbearing
nonweightbearing flexion extension neutral internal external rotation rotated inspiration expiration inspiratory
expiratory open closed mouth left right l r bilateral both unilateral lt rt lft rght side sides view views projection
projections position positions portable bedside mobile upper lower middle whole full partial total long short wide
small large stitched panoramic cephalometric cephalogram bitewing periapical occlusal apical lordotic cross-table
crosstable table wall bucky plane proximal distal dorsoplantar dorsopalmar plantar palmar volar axiolateral
transthoracic
"""
_EXAMINATION = """
x-ray xray x-rays xr cr dx rf mg io px xa fluoroscopy radiograph radiographs radiography radiographic radiological
radiology film films plain digital computed image images imaging series study studies exam examination exposure
exposures screening follow-up followup follow up control comparison pre post preoperative postoperative preop postop
initial repeat repeated additional single multiple double standard routine special trauma emergency child paediatric
pediatric adult neonate neonatal newborn infant contrast without with non enhanced iodine barium swallow enema iv oral
rectal catheter tube line placement implant implants prosthesis prosthetic hardware fixation screw plate nail cast
splint after before and or of the in on for to from no not normal protocol grid low high dose raw processed processing
for-presentation presentation bone-suppressed subtraction tomosynthesis mammography mammogram mammo skeletal survey
age scoliosis sitting-up arthrogram myelogram urogram cystogram hysterosalpingogram venogram angiogram angiography
resolution edge smooth soft tissue lungs stereo magnification spot compression view1 view2 kv ma mas cm mm sid
acquisition pacs scan scanned scout calibration phantom qc test fracture fractures pneumonia pneumothorax effusion
opacity nodule mass consolidation cardiomegaly edema oedema atelectasis emphysema tuberculosis tb covid covid-19
osteoarthritis arthritis osteoporosis dislocation degenerative pain cough fever dyspnea dyspnoea asthma copd
"""
WORDS = frozenset(f"{_BODY} {_VIEW} {_EXAMINATION}".split())
_WORD = re.compile(r"\w+(?:-\w+)*")
_SMALL_NUMBER = re.compile(r"\d{1,2}")


def is_plain(word: str) -> bool:
    """Whether a word, in any case, or a number of up to two digits says nothing of anybody."""
    return word.lower() in WORDS or _SMALL_NUMBER.fullmatch(word) is not None


def cleaned(text: str, names: frozenset[str] = frozenset()) -> str:
    """The words of ``text`` that may stay, in their order, with a space between; every value of several on its own.

    Words in ``names`` (small letters) go all the same.
    """
    values = (
        " ".join(word for word in _words(value) if is_plain(word) and word.lower() not in names)
        for value in text.split("\\")
    )
    kept = "\\".join(values)
    # Numbers alone describe nothing.
    return kept if any(letter.isalpha() for letter in kept) else ""


def without_plain_words(text: str) -> str:
    """The rest of ``text``: what could identify somebody."""
    return _WORD.sub(lambda found: " " if found[0].lower() in WORDS else found[0], text)


def _words(text: str) -> list[str]:
    words: list[str] = []
    for part in text.split():
        # A number between other marks than spaces may be part of a date.
        if any(letter.isdigit() for letter in part):
            words += [part.strip(",;:()")]
            continue
        for found in _WORD.findall(part):
            words += [found] if is_plain(found) else found.replace("_", "-").split("-")
    return words
